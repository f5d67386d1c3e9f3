// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net/http"
	"strconv"
)

type bookRatings struct {
	ID      int            `json:"id"`
	Ratings map[string]int `json:"ratings"`
	origin
}

func newRatings(self origin) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health("Ratings"))
	mux.HandleFunc("GET /ratings/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, failure{"please provide numeric product ID"})
			return
		}
		writeJSON(w, http.StatusOK, bookRatings{ID: id, Ratings: map[string]int{"Reviewer1": 5, "Reviewer2": 4}, origin: self})
	})
	return mux
}

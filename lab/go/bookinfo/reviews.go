// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net/http"
	"strconv"
	"time"
)

type bookReviews struct {
	ID string `json:"id"`
	origin
	Reviews []review `json:"reviews"`
	// RatedBy names the ratings service that was asked; upstream does not tell.
	RatedBy *origin `json:"ratedby,omitempty"`
}

type review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *rating `json:"rating,omitempty"`
}

// rating holds stars in a colour, or the reason why there are none.
type rating struct {
	Stars int    `json:"stars,omitempty"`
	Color string `json:"color,omitempty"`
	Error string `json:"error,omitempty"`
}

// newReviews serves v1 (no ratings), v2 (black stars) or v3 (red stars): the versions differ in these two settings only.
func newReviews(self origin, client *http.Client, ratings string, rated bool, color string) http.Handler {
	if color == "" {
		color = "black"
	}
	// Upstream's black version waits longer: its fault-injection task is built on that difference.
	timeout := 2500 * time.Millisecond
	if color == "black" {
		timeout = 10 * time.Second
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health("Reviews"))
	mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, failure{"please provide numeric product ID"})
			return
		}
		answer := bookReviews{ID: strconv.Itoa(id), origin: self, Reviews: []review{
			{Reviewer: "Reviewer1", Text: "Two pairs of twins, one long day of mistakes, and I laughed through all of it."},
			{Reviewer: "Reviewer2", Text: "Great fun on the stage; on paper the later plays have more to say."},
		}}
		if rated {
			rate(&answer, client, r, ratings, timeout, color)
		}
		writeJSON(w, http.StatusOK, answer)
	})
	return mux
}

// rate fills in the stars; without an answer from ratings every review says so and the page still appears.
func rate(answer *bookReviews, client *http.Client, r *http.Request, ratings string, timeout time.Duration, color string) {
	var found bookRatings
	status := fetch(client, r, ratings+"/ratings/"+answer.ID, timeout, &found)
	if status == http.StatusOK {
		answer.RatedBy = &found.origin
	}
	for i := range answer.Reviews {
		stars, known := found.Ratings[answer.Reviews[i].Reviewer]
		if status == http.StatusOK && known {
			answer.Reviews[i].Rating = &rating{Stars: stars, Color: color}
		} else {
			answer.Reviews[i].Rating = &rating{Error: "Ratings service is currently unavailable"}
		}
	}
}

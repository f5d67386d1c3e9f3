// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const peerTimeout = 3 * time.Second

//go:embed productpage.html
var pageSource string

var page = template.Must(template.New("productpage").Funcs(template.FuncMap{
	"stars": func(n int) string {
		return strings.Repeat("★", max(0, min(n, 5))) + strings.Repeat("☆", 5-max(0, min(n, 5)))
	},
}).Parse(pageSource))

type product struct {
	ID              int    `json:"id"`
	Title           string `json:"title"`
	DescriptionHTML string `json:"descriptionHtml"`
}

var products = []product{{
	ID:    0,
	Title: "The Comedy of Errors",
	DescriptionHTML: `<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">Wikipedia Summary</a>: ` +
		`one of <b>William Shakespeare's</b> first comedies and his shortest play. Two sets of identical twins, parted ` +
		`at birth, meet in one town without knowing it, and everybody takes everybody for somebody else.`,
}}

type productPage struct {
	self                      origin
	client                    *http.Client
	details, reviews, ratings string
}

func newProductPage(self origin, client *http.Client, details, reviews, ratings string) http.Handler {
	p := &productPage{self: self, client: client, details: details, reviews: reviews, ratings: ratings}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("Product page is healthy"))
	})
	mux.HandleFunc("GET /{$}", p.page)
	mux.HandleFunc("GET /index.html", p.page)
	mux.HandleFunc("GET /productpage", p.page)
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, products)
	})
	mux.HandleFunc("GET /api/v1/products/{id}", forProduct(func(r *http.Request, id string) (int, any) {
		status, found, failed := p.getDetails(r, id)
		return status, either(found, failed)
	}))
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", forProduct(func(r *http.Request, id string) (int, any) {
		status, found, failed := p.getReviews(r, id)
		return status, either(found, failed)
	}))
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", forProduct(func(r *http.Request, id string) (int, any) {
		status, found, failed := p.getRatings(r, id)
		return status, either(found, failed)
	}))
	return mux
}

// forProduct wraps an answer in the check that the product's number is one.
func forProduct(answer func(*http.Request, string) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 31)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		status, body := answer(r, strconv.FormatUint(id, 10))
		writeJSON(w, status, body)
	}
}

func either[T any](found *T, failed *failure) any {
	if failed != nil {
		return failed
	}
	return found
}

func (p *productPage) getDetails(r *http.Request, id string) (int, *bookDetails, *failure) {
	var found bookDetails
	status := fetch(p.client, r, p.details+"/details/"+id, peerTimeout, &found)
	if status != http.StatusOK {
		return status, nil, &failure{"Sorry, product details are currently unavailable for this book."}
	}
	return status, &found, nil
}

// getReviews tries twice, as upstream does: its page on timeouts shows what that does to a fault of the ratings service.
func (p *productPage) getReviews(r *http.Request, id string) (int, *bookReviews, *failure) {
	status := 0
	for range 2 {
		var found bookReviews
		if status = fetch(p.client, r, p.reviews+"/reviews/"+id, peerTimeout, &found); status == http.StatusOK {
			return status, &found, nil
		}
	}
	return status, nil, &failure{"Sorry, product reviews are currently unavailable for this book."}
}

func (p *productPage) getRatings(r *http.Request, id string) (int, *bookRatings, *failure) {
	var found bookRatings
	status := fetch(p.client, r, p.ratings+"/ratings/"+id, peerTimeout, &found)
	if status != http.StatusOK {
		return status, nil, &failure{"Sorry, product ratings are currently unavailable for this book."}
	}
	return status, &found, nil
}

// pageData is what productpage.html is made from.
type pageData struct {
	Self           origin
	Title          string
	Description    template.HTML
	Details        *bookDetails
	DetailsFailure *failure
	Reviews        *bookReviews
	ReviewsFailure *failure
}

// page shows the book; a service that fails takes away its own part of the page only, so the status is always 200.
func (p *productPage) page(w http.ResponseWriter, r *http.Request) {
	book := products[0]
	data := pageData{Self: p.self, Title: book.Title, Description: template.HTML(book.DescriptionHTML)}
	id := strconv.Itoa(book.ID)
	_, data.Details, data.DetailsFailure = p.getDetails(r, id)
	_, data.Reviews, data.ReviewsFailure = p.getReviews(r, id)
	var rendered bytes.Buffer
	if err := page.Execute(&rendered, data); err != nil {
		log.Print(err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rendered.WriteTo(w)
}

// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const unreachable = "http://127.0.0.1:1"

// start serves a handler for the length of a test and gives its address.
func start(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// newEstate starts all four services, wired to each other, each in a cluster; it gives the product page's address.
func newEstate(t *testing.T, rated bool, color string) string {
	t.Helper()
	details := start(t, newDetails(origin{"details-1", "east"}))
	ratings := start(t, newRatings(origin{"ratings-1", "south"}))
	reviews := start(t, newReviews(origin{"reviews-1", "west"}, http.DefaultClient, ratings, rated, color))
	return start(t, newProductPage(origin{"page-1", "central"}, http.DefaultClient, details, reviews, ratings))
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func getJSON(t *testing.T, url string, wantStatus int) map[string]any {
	t.Helper()
	status, body := get(t, url)
	if status != wantStatus {
		t.Fatalf("%s: status %d, want %d", url, status, wantStatus)
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatalf("%s: %v in %q", url, err, body)
	}
	return decoded
}

func wantOrigin(t *testing.T, answer map[string]any, pod, cluster string) {
	t.Helper()
	if answer["podname"] != pod || answer["clustername"] != cluster {
		t.Errorf("answered by %v in %v, want %s in %s", answer["podname"], answer["clustername"], pod, cluster)
	}
}

func wantText(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("%q is missing in:\n%s", text, body)
		}
	}
}

func TestAPI(t *testing.T) {
	page := newEstate(t, true, "red")
	details := getJSON(t, page+"/api/v1/products/0", 200)
	wantOrigin(t, details, "details-1", "east")
	if details["author"] != "William Shakespeare" || details["ISBN-10"] != "1234567890" {
		t.Errorf("details: %v", details)
	}
	ratings := getJSON(t, page+"/api/v1/products/0/ratings", 200)
	wantOrigin(t, ratings, "ratings-1", "south")
	reviews := getJSON(t, page+"/api/v1/products/0/reviews", 200)
	wantOrigin(t, reviews, "reviews-1", "west")
	if reviews["id"] != "0" {
		t.Errorf("the id of reviews is a string upstream: %v", reviews["id"])
	}
	_, products := get(t, page+"/api/v1/products")
	wantText(t, products, `"title":"The Comedy of Errors"`)
}

func TestReviewVersions(t *testing.T) {
	for _, version := range []struct {
		name   string
		rated  bool
		color  string
		rating any
	}{
		{"v1", false, "", nil},
		{"v2", true, "black", map[string]any{"stars": 5.0, "color": "black"}},
		{"v3", true, "red", map[string]any{"stars": 5.0, "color": "red"}},
	} {
		t.Run(version.name, func(t *testing.T) {
			answer := getJSON(t, newEstate(t, version.rated, version.color)+"/api/v1/products/0/reviews", 200)
			first := answer["reviews"].([]any)[0].(map[string]any)
			got, _ := json.Marshal(first["rating"])
			want, _ := json.Marshal(version.rating)
			if string(got) != string(want) {
				t.Errorf("rating %s, want %s", got, want)
			}
			_, rated := answer["ratedby"]
			if rated != version.rated {
				t.Errorf("ratedby present: %v", rated)
			}
		})
	}
}

func TestPageNamesWhoAnswered(t *testing.T) {
	page := newEstate(t, true, "red")
	for _, path := range []string{"/", "/productpage", "/productpage?u=normal"} {
		status, body := get(t, page+path)
		if status != 200 {
			t.Errorf("%s: status %d", path, status)
		}
		wantText(t, body, "<b>east</b> <code>details-1</code>", "<b>west</b> <code>reviews-1</code>",
			"<b>south</b> <code>ratings-1</code>", "central, page-1", "color: red", "★★★★★", "★★★★☆")
	}
}

func TestPageOfUnratedReviewsHasNoStars(t *testing.T) {
	_, body := get(t, newEstate(t, false, "")+"/productpage")
	if strings.Contains(body, "★") {
		t.Error("v1 shows stars")
	}
}

func TestWithoutClusterNameOnlyThePodIsShown(t *testing.T) {
	details := start(t, newDetails(origin{PodName: "details-1"}))
	_, body := get(t, start(t, newProductPage(origin{}, http.DefaultClient, details, unreachable, unreachable))+"/productpage")
	wantText(t, body, "Details served by: <code>details-1</code>")
}

func TestUnreachableServices(t *testing.T) {
	page := start(t, newProductPage(origin{}, http.DefaultClient, unreachable, unreachable, unreachable))
	for path, text := range map[string]string{
		"/api/v1/products/0":         "Sorry, product details are currently unavailable for this book.",
		"/api/v1/products/0/reviews": "Sorry, product reviews are currently unavailable for this book.",
		"/api/v1/products/0/ratings": "Sorry, product ratings are currently unavailable for this book.",
	} {
		if answer := getJSON(t, page+path, 500); answer["error"] != text {
			t.Errorf("%s: %v", path, answer)
		}
	}
	status, body := get(t, page+"/productpage")
	if status != 200 {
		t.Errorf("the page itself: %d", status)
	}
	wantText(t, body, "Error fetching product details!", "Error fetching product reviews!",
		"Sorry, product details are currently unavailable for this book.")
}

func TestStatusOfAFailingServiceIsPassedOn(t *testing.T) {
	failing := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "upstream connect error", http.StatusServiceUnavailable)
	}))
	page := start(t, newProductPage(origin{}, http.DefaultClient, failing, failing, failing))
	for _, path := range []string{"/api/v1/products/0", "/api/v1/products/0/reviews", "/api/v1/products/0/ratings"} {
		getJSON(t, page+path, 503)
	}
}

func TestReviewsAreTriedTwice(t *testing.T) {
	calls := 0
	once := newReviews(origin{"reviews-1", "west"}, http.DefaultClient, unreachable, false, "")
	reviews := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		once.ServeHTTP(w, r)
	}))
	page := start(t, newProductPage(origin{}, http.DefaultClient, unreachable, reviews, unreachable))
	wantOrigin(t, getJSON(t, page+"/api/v1/products/0/reviews", 200), "reviews-1", "west")
}

func TestReviewsWithoutRatings(t *testing.T) {
	reviews := start(t, newReviews(origin{}, http.DefaultClient, unreachable, true, "red"))
	_, body := get(t, reviews+"/reviews/0")
	wantText(t, body, `"rating":{"error":"Ratings service is currently unavailable"}`)
}

func TestHeadersTravel(t *testing.T) {
	seen := map[string]http.Header{}
	record := func(name string, inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen[name] = r.Header
			inner.ServeHTTP(w, r)
		})
	}
	ratings := start(t, record("ratings", newRatings(origin{})))
	reviews := start(t, record("reviews", newReviews(origin{}, http.DefaultClient, ratings, true, "red")))
	page := start(t, newProductPage(origin{}, http.DefaultClient, unreachable, reviews, ratings))
	request, _ := http.NewRequest(http.MethodGet, page+"/productpage", nil)
	passed := []string{"x-request-id", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "b3", "traceparent", "end-user"}
	for _, name := range passed {
		request.Header.Set(name, "value of "+name)
	}
	request.Header.Set("x-other", "stays here")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for _, service := range []string{"reviews", "ratings"} {
		for _, name := range passed {
			if got := seen[service].Get(name); got != "value of "+name {
				t.Errorf("%s got %s: %q", service, name, got)
			}
		}
		if seen[service].Get("x-other") != "" {
			t.Errorf("%s got a header of the first hop only", service)
		}
	}
}

func TestBadNumbers(t *testing.T) {
	for url, status := range map[string]int{
		start(t, newDetails(origin{})) + "/details/x":                                             400,
		start(t, newRatings(origin{})) + "/ratings/x":                                             400,
		start(t, newReviews(origin{}, http.DefaultClient, unreachable, false, "")) + "/reviews/x": 400,
		newEstate(t, false, "") + "/api/v1/products/x":                                            404,
	} {
		if got, _ := get(t, url); got != status {
			t.Errorf("%s: %d, want %d", url, got, status)
		}
	}
}

func TestEveryRoleIsHealthy(t *testing.T) {
	for _, role := range []string{"productpage", "details", "reviews", "ratings"} {
		handler, err := service(role, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := get(t, start(t, handler)+"/health"); status != 200 {
			t.Errorf("%s: %d", role, status)
		}
	}
	if _, err := service("mysql", func(string) string { return "" }); err == nil {
		t.Error("an unknown role was taken")
	}
}

func TestPeerAddresses(t *testing.T) {
	env := map[string]string{"SERVICES_DOMAIN": "books.svc", "RATINGS_HOSTNAME": "stars", "RATINGS_SERVICE_PORT": "8080"}
	lookup := func(name string) string { return env[name] }
	if got := peer(lookup, "RATINGS"); got != "http://stars.books.svc:8080" {
		t.Error(got)
	}
	if got := peer(lookup, "DETAILS"); got != "http://details.books.svc:9080" {
		t.Error(got)
	}
}

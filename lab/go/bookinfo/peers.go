// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Headers that belong to one request of a user and travel with it through all services: trace contexts of the usual
// tracing systems, the user, and what routing rules look at. The set is upstream's.
var forwarded = []string{
	"x-request-id",
	"traceparent", "tracestate",
	"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "b3",
	"x-ot-span-context",
	"x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
	"x-cloud-trace-context", "grpc-trace-bin",
	"sw8",
	"end-user", "user-agent", "cookie", "authorization", "jwt",
}

// peer gives another service's base address; host, domain and port can be overridden as in upstream's images.
func peer(env func(string) string, service string) string {
	host := env(service + "_HOSTNAME")
	if host == "" {
		host = map[string]string{"DETAILS": "details", "REVIEWS": "reviews", "RATINGS": "ratings"}[service]
	}
	if domain := env("SERVICES_DOMAIN"); domain != "" {
		host += "." + domain
	}
	port := env(service + "_SERVICE_PORT")
	if port == "" {
		port = "9080"
	}
	return "http://" + host + ":" + port
}

// fetch asks a peer on behalf of a request. It gives the status and, for 200, the JSON decoded into answer; a peer that
// cannot be reached or does not answer with JSON counts as 500, as upstream has it.
func fetch(client *http.Client, origin *http.Request, url string, timeout time.Duration, answer any) int {
	deadline, cancel := context.WithTimeout(origin.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(deadline, http.MethodGet, url, nil)
	if err != nil {
		return http.StatusInternalServerError
	}
	for _, name := range forwarded {
		if values := origin.Header.Values(name); len(values) > 0 {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return http.StatusInternalServerError
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return http.StatusInternalServerError
	}
	if response.StatusCode == http.StatusOK && json.Unmarshal(body, answer) != nil {
		return http.StatusInternalServerError
	}
	return response.StatusCode
}

// writeJSON answers with a status and a JSON body.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The only errors left are those of a client that went away.
	_ = json.NewEncoder(w).Encode(body)
}

type failure struct {
	Error string `json:"error"`
}

// health answers a kubelet's or a person's question whether this service runs.
func health(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": name + " is healthy"})
	}
}

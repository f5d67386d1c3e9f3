// SPDX-License-Identifier: GPL-3.0-or-later

// Bookinfo stands in for the four services of Istio's sample application: one static program that takes its role as
// its argument and answers the paths of the upstream images.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	address = ":9080"
	// Requests in flight get this long after SIGTERM; below Kubernetes' default of 30 s.
	grace = 20 * time.Second
)

// origin says who answered; every service puts it into its answers.
type origin struct {
	PodName     string `json:"podname"`
	ClusterName string `json:"clustername"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: bookinfo productpage|details|reviews|ratings")
	}
	handler, err := service(os.Args[1], os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	if err := serve(stop, listener, handler); err != nil {
		log.Fatal(err)
	}
}

// service makes the handler of one role, set up by environment variables as upstream's images are.
func service(role string, env func(string) string) (http.Handler, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	self := origin{PodName: host, ClusterName: env("CLUSTER_NAME")}
	client := &http.Client{}
	switch role {
	case "productpage":
		return newProductPage(self, client, peer(env, "DETAILS"), peer(env, "REVIEWS"), peer(env, "RATINGS")), nil
	case "details":
		return newDetails(self), nil
	case "reviews":
		return newReviews(self, client, peer(env, "RATINGS"), env("ENABLE_RATINGS") == "true", env("STAR_COLOR")), nil
	case "ratings":
		return newRatings(self), nil
	}
	return nil, fmt.Errorf("unknown role %q", role)
}

// serve answers until the context ends (at SIGTERM), then finishes what is in flight.
func serve(stop context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	deadline, release := context.WithTimeout(context.Background(), grace)
	defer release()
	err := server.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// FerretDB with SQLite below it, for tests that want a server that speaks MongoDB's protocol and keeps what it took:
//
//	ferretdb ADDRESS FOLDER     for example: ferretdb 127.0.0.1:0 /tmp/shard
//
// Prints its URI once it listens, logs to stderr, and ends by SIGTERM.  It is one server without a replica set: it takes
// write and read concerns and does nothing about them, so elections, rollback and majorities are not tried here.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ferretdb ADDRESS FOLDER")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func serve(address, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: address},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/", // it insists on the slash
	})
	if err != nil {
		return err
	}
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(asked) }()
	fmt.Println(server.MongoDBURI()) // waits for Run to listen
	return <-ended
}

// The peer: a server on the centrifuge library, with its Redis broker and history, as popbench's
// target centrifugo speaks to it.
//
//	centrifuge PORT REDIS_HOST:PORT SECRET
//
// It stands in for Centrifugo, which is this library with configuration, metrics and more around it, where Centrifugo
// itself cannot be fetched. History as in Centrifugo's manual: 10 events a channel for 300 seconds.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

type claims struct {
	Sub      string   `json:"sub"`
	Exp      int64    `json:"exp"`
	Channels []string `json:"channels"`
}

func verify(token, secret string) (claims, error) {
	var c claims
	signed, signature, found := cut(token)
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(signed))
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if !found || err != nil || !hmac.Equal(given, sum.Sum(nil)) {
		return c, centrifuge.DisconnectInvalidToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(signed[strings.IndexByte(signed, '.')+1:])
	if err != nil || json.Unmarshal(payload, &c) != nil || c.Exp < time.Now().Unix() {
		return c, centrifuge.DisconnectInvalidToken
	}
	return c, nil
}

func cut(token string) (string, string, bool) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return "", "", false
	}
	return token[:at], token[at+1:], true
}

func main() {
	port, redis, secret := os.Args[1], os.Args[2], os.Args[3]
	node, err := centrifuge.New(centrifuge.Config{})
	check(err)
	shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: redis})
	check(err)
	broker, err := centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
	check(err)
	node.SetBroker(broker)
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		c, err := verify(e.Token, secret)
		subscriptions := map[string]centrifuge.SubscribeOptions{}
		for _, channel := range c.Channels {
			subscriptions[channel] = centrifuge.SubscribeOptions{}
		}
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: c.Sub}, Subscriptions: subscriptions}, err
	})
	check(node.Run())

	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true },
	}))
	http.HandleFunc("/api/publish", func(w http.ResponseWriter, r *http.Request) { publish(node, w, r) })
	check(http.ListenAndServe("127.0.0.1:"+port, nil))
}

func publish(node *centrifuge.Node, w http.ResponseWriter, r *http.Request) {
	var event struct {
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("X-API-Key") != "bench" || json.Unmarshal(body, &event) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	result, err := node.Publish(event.Channel, event.Data, centrifuge.WithHistory(10, 300*time.Second))
	if err != nil {
		http.Error(w, "not published", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"result": map[string]any{"offset": result.Offset, "epoch": result.Epoch}})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

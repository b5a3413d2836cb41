package qqtest

import (
	"encoding/json"
	"hash/fnv"
	"strings"
	"time"
)

// event is something a bot is to be told of.
type event struct {
	typ       string
	d         object
	scene     string
	target    string // whom a reply goes to
	conv      string // deliveries of one conversation keep their order
	messageID string // d.id of a message, by which it may be answered
	seen      string
}

// emit numbers an event, remembers it as something to answer, and hands it to
// the transport. The outer id is returned. p.mu is held.
func (b *Bot) emit(e event) string {
	p := b.p
	outer := e.typ + ":" + p.uuid("event")
	b.seq++
	payload, err := json.Marshal(object{"id": outer, "op": 0, "d": e.d, "s": b.seq, "t": e.typ})
	if err != nil {
		panic(err) // our own types
	}
	a := &anchor{id: outer, typ: e.typ, scene: e.scene, target: e.target, at: p.now()}
	if e.messageID != "" {
		a.message, a.id = true, e.messageID
	}
	b.anchors.add(a)
	b.anchors.prune(p.now())
	entry := Entry{Kind: KindEvent, Bot: b.appID, Type: e.typ, ID: outer, Target: e.target, MsgID: e.messageID, Seen: e.seen, Request: payload}
	d := &delivery{outer: outer, typ: e.typ, target: e.target, payload: payload, seq: b.seq}
	switch {
	case b.banned || b.gone:
		entry.Note = "lost: the bot is off the platform"
	case b.options.Webhook != "":
		if !b.enqueue(d, e.conv) {
			entry.Note = "lost: too many undelivered events"
		}
	default:
		entry.Note = b.publish(d)
	}
	p.record(entry)
	return outer
}

// shards is how many deliveries of one bot are on the wire at once.
const shards = 16

// queueLength is how many events of one shard may wait.
const queueLength = 4096

// enqueue puts a delivery into the shard of its conversation; one that a swap
// held back goes behind it.
func (b *Bot) enqueue(d *delivery, conv string) bool {
	h := fnv.New32a()
	h.Write([]byte(conv))
	d.shard = int(h.Sum32() % shards)
	if f := b.p.takeFault(EndpointDelivery, d.target); f != nil {
		d.fault = f
		if f.Kind == FaultSwap && b.held == nil {
			b.held = d
			return true
		}
	}
	if !b.push(d) {
		return false
	}
	if held := b.held; held != nil {
		held.shard, b.held = d.shard, nil
		return b.push(held)
	}
	return true
}

func (b *Bot) push(d *delivery) bool {
	select {
	case b.queue[d.shard] <- d:
		return true
	default:
		return false
	}
}

// anchor is something that may be answered, and the answers it got.
type anchor struct {
	id      string // d.id of a message, outer id of an event
	message bool
	typ     string
	scene   string
	target  string
	at      time.Time
	replies int
	slots   map[int]bool // sequence numbers used
}

// anchors remembers what may be answered for maxAnchorAge.
type anchors struct {
	byID  map[string]*anchor
	order []*anchor
}

const (
	maxAnchorAge = 2 * time.Hour // of the platform's clock; the longest window is one hour
	maxAnchors   = 30_000
)

func newAnchors() anchors { return anchors{byID: map[string]*anchor{}} }

func (l *anchors) add(a *anchor) {
	l.byID[a.id] = a
	l.order = append(l.order, a)
}

func (l *anchors) prune(now time.Time) {
	for len(l.order) > 0 && (now.Sub(l.order[0].at) > maxAnchorAge || len(l.order) > maxAnchors) {
		delete(l.byID, l.order[0].id)
		l.order[0] = nil
		l.order = l.order[1:]
	}
}

// answerable says which events may be answered by their outer id in a scene.
var answerable = map[string]string{
	sceneC2C:   "INTERACTION_CREATE C2C_MSG_RECEIVE FRIEND_ADD",
	sceneGroup: "INTERACTION_CREATE GROUP_ADD_ROBOT GROUP_MSG_RECEIVE",
	sceneGuild: "INTERACTION_CREATE GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE FORUM_THREAD_CREATE FORUM_POST_CREATE FORUM_REPLY_CREATE",
	sceneDM:    "",
}

func mayAnswer(scene, typ string) bool {
	for t := range strings.FieldsSeq(answerable[scene]) {
		if t == typ {
			return true
		}
	}
	return false
}

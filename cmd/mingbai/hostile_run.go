package main

import (
	"slices"
	"strings"
)

// delivery of an attack: each gives what was said (to look for it in the log) and
// the surfaces it reached.
type runner func(r *hostileRange, x attack, w *watch) (reached, error)

// reached is what a runner saw.
type reached struct {
	said       []string
	reply      []string          // to whoever spoke in private or on the page
	groupReply []string          // to a group
	http       []string          // answers to requests, with their bodies
	status     []int             // of them
	states     map[string]string // what only the runner can tell
	unfit      string            // why the payload cannot be sent over this channel
	unbuilt    string            // what the product does not have yet
	broken     string            // a fault whatever the item wants
	console    string            // the office's pages, as documents
	export     string            // files that were taken out
	db         string            // rows of the office's records
	watched    *watch            // the watch that counts, where the first began too early
}

func (g *reached) state(name string, ok bool, why string) {
	if g.states == nil {
		g.states = map[string]string{}
	}
	if g.states[name] = ""; !ok {
		g.states[name] = why
	}
}

// runners are the payloads that are no single message, by kind.
func runners() map[string]runner {
	return map[string]runner{
		"webhook": runWebhook, "webhook_raw": runWebhookRaw, "op13_oracle": runOracle, "raw_http": runRawHTTP,
		"repeat_event": runRepeatEvent, "replay_old": runReplayOld, "same_message_two_envelopes": runTwoEnvelopes, "raw_bytes": runRawBytes, "mixed_encoding": runMixedEncoding,
		"crash_then_redeliver": runCrash,
		"two_users_one_group":  runTwoUsers, "same_user_two_groups": runTwoGroups, "openid_reuse": runOpenIDReuse, "group_status_query": runGroupStatus,
		"group_then_private": runGroupThenPrivate, "answer_cache_probe": runCacheProbe, "history": runHistory, "loop": runLoop,
		"session_fixation": runFixation, "session_guess": runGuess, "canary_sessions": runCanaries, "same_session_parallel": runParallel,
		"stream_disconnect_reuse": runDisconnect, "erase_then_search": runErase, "ttl_race": runTTLRace, "scan_paths": runScan,
		"json_nest": runJSONNest, "long_query": runLongQuery, "force_500": runForce500,
		"flood": runFlood, "slow_read": runSlowRead, "slowloris": runSlowloris,
		"kb_doc": runDocument, "markdown": runDocument, "fetch_url": runFetch,
		"docx_entities": runBomb, "docx_hidden": runDocument, "docx_image": runBomb, "docx_xxe": runBomb, "xlsx_sst": runBomb,
		"case_attachment": runCaseAttachment, "case_field": runCaseField, "repeat_form": runRepeatForm, "survey_field": runSurveyField,
		"campaign_field": runCampaignField, "export": runExport, "export_field": runExportField,
		"idor": runIDOR, "idor_batch": runIDOR, "list_scope": runListScope, "role_escalation": runEscalation, "csrf": runCSRF, "csrf_get": runCSRF,
		"session_after_logout": runAfterLogout, "session_after_password_change": runAfterPassword, "bruteforce": runBruteForce, "enumerate": runEnumerate, "totp_reuse": runCodeReuse,
		"double_fire": runDoubleFire, "clock_jump": runClockJump, "lock_lost": runLockLost,
		"zip_bomb": runBomb, "zip_lie_size": runBomb, "zip_many": runBomb, "zip_nest": runBomb, "zip_overlap": runBomb, "zip_slip": runBomb, "zip_symlink": runBomb,
	}
}

// importKinds are messages elsewhere and files on the import channel.
var importKinds = []string{"long_line", "md_nest", "md_table", "repeat", "text"}

func (r *hostileRange) pick(x attack) (runner, string) {
	kind := x.Payload.Kind
	switch {
	case x.Channel == "kb_import" && slices.Contains(importKinds, kind):
		return runBomb, ""
	}
	if run, ok := runners()[kind]; ok {
		return run, ""
	}
	if _, ok := x.words(); ok && x.Channel == "case_form" {
		return runCaseField, ""
	} else if ok {
		return runMessage, ""
	}
	return nil, verdictUnsupported
}

// run carries out one attack and gives what came of it.
func (r *hostileRange) run(x attack) (outcome, error) {
	run, verdict := r.pick(x)
	if run == nil {
		return outcome{verdict: verdict, why: "不认识的攻击方式 " + x.Payload.Kind, surfaces: map[string]string{}}, nil
	}
	if direct := x.Payload.Kind == "flood"; direct != r.direct {
		r.spoiled, r.direct = true, direct
	}
	if err := r.open(); err != nil {
		return outcome{}, err
	}
	r.model.Say(harmless)
	if x.Obeyed != nil {
		r.model.Say(*x.Obeyed)
	}
	w, err := r.watch()
	if err != nil {
		return outcome{}, err
	}
	defer w.done()
	got, err := run(r, x, w)
	if err != nil {
		return outcome{}, err
	}
	switch {
	case got.unfit != "":
		return outcome{verdict: verdictUnsupported, why: got.unfit, surfaces: map[string]string{}}, nil
	case got.unbuilt != "":
		return outcome{verdict: verdictNotBuilt, why: "产品还没有：" + got.unbuilt, surfaces: map[string]string{}}, nil
	case got.watched != nil:
		w = got.watched
		defer w.done()
	}
	return r.gather(x, w, got)
}

// gather reads every surface after an attack.
func (r *hostileRange) gather(x attack, w *watch, got reached) (outcome, error) {
	if err := r.settle(); err != nil {
		return outcome{}, err
	}
	states, err := w.states(x, got.said)
	if err != nil {
		return outcome{}, err
	}
	states["llm_budget_kept"] = r.budgetFault()
	for name, why := range got.states {
		states[name] = why
	}
	var asked []string
	for _, q := range r.model.Requests()[w.asked:] {
		asked = append(asked, string(q.Body))
	}
	rows, err := r.dump(w)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{states: states, status: got.status, surfaces: map[string]string{
		"log": r.log.from(w.logAt), "db": rows + got.db, "llm_request": strings.Join(asked, "\n"),
		"reply": strings.Join(append(got.reply, got.groupReply...), "\n"), "group_reply": strings.Join(got.groupReply, "\n"), "http_response": strings.Join(got.http, "\n"),
	}}
	if got.console != "" {
		out.surfaces["console_dom"] = got.console
	}
	if got.export != "" {
		out.surfaces["export_file"] = got.export
	}
	if got.broken != "" {
		out.verdict, out.why = verdictFailed, got.broken
	}
	return out, r.only()
}

// dump gives the messages and replies that the records keep since a watch began.
func (r *hostileRange) dump(w *watch) (string, error) {
	rows, err := r.db().QueryContext(r.ctx, `SELECT chat, id, text, reply FROM inbox WHERE taken >= $1 ORDER BY seq`, w.began.UnixMilli())
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var f [4]string
		if err := rows.Scan(&f[0], &f[1], &f[2], &f[3]); err != nil {
			return "", err
		}
		b.WriteString(strings.Join(f[:], "\t") + "\n")
	}
	return b.String(), rows.Err()
}

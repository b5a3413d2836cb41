package console

import (
	"slices"
	"strings"

	"mingbai/office"
)

// route is one page or act, and who may use it.
type route struct {
	pattern string // as of http.ServeMux: "GET /console/people/{id}"
	nav     string // what the menu calls it; "": it is not in the menu
	menu    string // the menu's group it stands in; "": it stands beside the groups
	roles   []office.Role
	// scope gives the places (Org.Path) of the object that the address names: the
	// person needs one of the roles there, else there is no such page. nil: the
	// address names none, or package office itself decides by the person.
	scope  func(*call) ([]string, error)
	county bool // one of the roles for the whole county is needed, else there is no such page
	open   bool // also without signing in
	early  bool // also before the password is changed and codes are set up
	fresh  bool // asks for the password or a code again if that is long ago
	upload bool // takes a file
	run    func(*call) error
}

// Who may. everybody is whoever has a post; the office's own staff are those who
// answer residents.
var (
	everybody = []office.Role{office.Helper, office.Grid, office.Clerk, office.Mediator, office.Adviser, office.Officer, office.Admin}
	admins    = []office.Role{office.Admin}
	staff     = []office.Role{office.Clerk, office.Mediator, office.Adviser, office.Admin}
	workers   = []office.Role{office.Helper, office.Grid, office.Clerk, office.Mediator, office.Adviser, office.Admin}
)

// routes is the table of all pages. The menu has those with a nav in this order,
// and its groups in that of their first.
func routes() []route {
	return []route{
		// signing in and out
		{pattern: "GET /console/sign-in", open: true, run: signInForm},
		{pattern: "POST /console/sign-in", open: true, run: signIn},
		{pattern: "GET /console/oidc", open: true, run: oidcStart},
		{pattern: "GET /console/oidc/back", open: true, run: oidcBack},
		{pattern: "POST /console/sign-out", roles: everybody, early: true, run: signOut},
		{pattern: "POST /console/prove", roles: everybody, early: true, run: prove},

		// what waits
		{pattern: "GET /console", nav: "首页", roles: everybody, run: overview},
		{pattern: "GET /console/{$}", roles: everybody, run: home},

		// cases: package office decides by the person whose they are
		{pattern: "GET /console/cases", nav: "办件", roles: workers, run: queue},
		{pattern: "GET /console/cases/new", roles: []office.Role{office.Clerk}, run: newCase},
		{pattern: "POST /console/cases/new", roles: []office.Role{office.Clerk}, run: openCase},
		{pattern: "GET /console/cases/{no}", roles: workers, run: showCase},
		{pattern: "GET /console/cases/{no}/print", roles: workers, run: printCase},
		{pattern: "GET /console/cases/{no}/agreement", roles: staff, run: agreement},
		{pattern: "POST /console/cases/{no}/act", roles: workers, run: actOnCase},
		{pattern: "POST /console/cases/{no}/facts", roles: staff, run: correctFacts},
		{pattern: "POST /console/cases/{no}/draft", roles: staff, run: draftAnswer},
		{pattern: "POST /console/cases/{no}/session", roles: staff, run: addSession},
		{pattern: "POST /console/cases/{no}/outcome", roles: staff, run: setOutcome},

		// what comes in and how it goes
		{pattern: "GET /console/tickets", nav: "工单", menu: "跟进", roles: desk, run: tickets},
		{pattern: "GET /console/tickets/export", roles: desk, fresh: true, run: exportTickets},
		{pattern: "GET /console/tickets/import", roles: desk, run: importForm},
		{pattern: "POST /console/tickets/import", roles: desk, upload: true, run: importTable},
		{pattern: "GET /console/notices", nav: "通知", menu: "跟进", roles: desk, run: notices},
		{pattern: "GET /console/ratings", nav: "评价", menu: "跟进", roles: desk, run: ratings},
		{pattern: "GET /console/alerts", nav: "预警", menu: "跟进", roles: desk, run: alerts},

		// the month's figures: package office decides whose they are
		{pattern: "GET /console/report", nav: "月通报", menu: "跟进", roles: office.Reporters, run: report},
		{pattern: "GET /console/report/export", roles: office.Reporters, run: exportReport},
		{pattern: "GET /console/report/cases/export", roles: desk, run: exportReportCases},

		// people and organisations
		{pattern: "GET /console/people", nav: "人员", menu: "人员", roles: seesPeople, run: people},
		{pattern: "GET /console/people/export", roles: admins, fresh: true, run: exportPeople},
		{pattern: "GET /console/people/import", roles: admins, fresh: true, run: importForm},
		{pattern: "POST /console/people/import", roles: admins, fresh: true, upload: true, run: importTable},
		{pattern: "GET /console/people/new", roles: admins, run: newPerson},
		{pattern: "POST /console/people/new", roles: admins, run: addPerson},
		{pattern: "GET /console/people/{id}", roles: seesPeople, scope: personScope, run: person},
		{pattern: "POST /console/people/{id}", roles: admins, scope: managedScope, run: editPerson},
		{pattern: "POST /console/people/{id}/posts", roles: admins, scope: managedScope, fresh: true, run: addPost},
		{pattern: "POST /console/people/{id}/posts/remove", roles: admins, scope: managedScope, fresh: true, run: removePost},
		{pattern: "POST /console/people/{id}/suspend", roles: admins, scope: managedScope, fresh: true, run: suspend},
		{pattern: "POST /console/people/{id}/resume", roles: admins, scope: managedScope, fresh: true, run: resume},
		{pattern: "POST /console/people/{id}/cleared", roles: admins, scope: managedScope, fresh: true, run: clearPerson},
		{pattern: "POST /console/people/{id}/invite", roles: admins, scope: managedScope, run: invite},
		{pattern: "POST /console/people/{id}/console", roles: admins, scope: managedScope, fresh: true, run: giveConsole},
		{pattern: "POST /console/people/{id}/console/reset", roles: admins, scope: managedScope, fresh: true, run: resetConsole},
		{pattern: "POST /console/people/{id}/console/link", roles: admins, scope: managedScope, fresh: true, run: linkConsole},
		{pattern: "GET /console/orgs", nav: "机构", menu: "人员", roles: seesPeople, run: orgs},
		{pattern: "POST /console/orgs", roles: admins, run: addOrg},
		{pattern: "GET /console/orgs/export", roles: seesPeople, run: exportOrgs},
		{pattern: "GET /console/orgs/import", roles: admins, fresh: true, run: importForm},
		{pattern: "POST /console/orgs/import", roles: admins, fresh: true, upload: true, run: importTable},
		{pattern: "GET /console/coverage", nav: "明白人覆盖", menu: "人员", roles: seesPeople, run: coverage},
		{pattern: "GET /console/mediators", nav: "调解员库", menu: "人员", roles: []office.Role{office.Clerk, office.Mediator, office.Admin}, run: mediators},

		// what is published
		{pattern: "GET /console/content", nav: "普法内容", menu: "普法", roles: publishers, run: content},
		{pattern: "GET /console/content/new", roles: publishers, run: newPiece},
		{pattern: "POST /console/content/new", roles: publishers, upload: true, run: addPiece},
		{pattern: "GET /console/content/{id}", roles: publishers, scope: pieceScope, run: onePiece},
		{pattern: "POST /console/content/{id}", roles: publishers, scope: pieceScope, upload: true, run: editPiece},
		{pattern: "GET /console/content/{id}/edit", roles: publishers, scope: pieceScope, run: editForm},
		{pattern: "GET /console/content/{id}/diff", roles: publishers, scope: pieceScope, run: diffPiece},
		{pattern: "POST /console/content/{id}/submit", roles: publishers, scope: pieceScope, run: submitPiece},
		{pattern: "POST /console/content/{id}/approve", roles: publishers, scope: pieceScope, run: approvePiece},
		{pattern: "POST /console/content/{id}/return", roles: publishers, scope: pieceScope, run: returnPiece},
		{pattern: "POST /console/content/{id}/duty", roles: publishers, scope: pieceScope, run: setPieceDuty},
		{pattern: "POST /console/content/{id}/rollback", roles: publishers, scope: pieceScope, run: rollBackPiece},
		{pattern: "POST /console/content/{id}/recall", roles: publishers, scope: pieceScope, fresh: true, run: recallPiece},
		{pattern: "GET /console/pictures/{name}", roles: publishers, run: showPicture},
		{pattern: "GET /console/plans", nav: "发布计划", menu: "普法", roles: publishers, run: plans},
		{pattern: "POST /console/plans", roles: publishers, run: addPlan},
		{pattern: "POST /console/plans/{id}/pause", roles: publishers, scope: planScope, run: pausePlan(true, "已停。")},
		{pattern: "POST /console/plans/{id}/resume", roles: publishers, scope: planScope, run: pausePlan(false, "已恢复，停的时候错过的不补。")},
		{pattern: "POST /console/publishing/stop", roles: publishers, run: stopAll(true, "全部停发了。撤回的更正仍会送出。")},
		{pattern: "POST /console/publishing/resume", roles: publishers, run: stopAll(false, "已解除，计划照常。")},
		{pattern: "POST /console/publishing/quiet", roles: publishers, run: setQuiet},
		{pattern: "GET /console/month", nav: "发布日历", menu: "普法", roles: publishers, run: month},
		{pattern: "GET /console/deliveries", nav: "送达台账", menu: "普法", roles: publishers, run: ledger},
		{pattern: "POST /console/deliveries/{id}/settle", roles: publishers, scope: deliveryScope, run: settle},
		{pattern: "GET /console/jobs", nav: "定时的活", menu: "普法", roles: publishers, run: lastRuns},

		// lectures, duties and what became of it
		{pattern: "GET /console/lectures", nav: "点单普法", menu: "普法", roles: lecturing, run: lectures},
		{pattern: "POST /console/lectures", roles: publishers, run: orderLecture},
		{pattern: "GET /console/lectures/pool", roles: lecturing, run: lecturePool},
		{pattern: "GET /console/lectures/menu/export", roles: publishers, county: true, run: exportMenu},
		{pattern: "GET /console/lectures/menu/import", roles: publishers, county: true, run: importForm},
		{pattern: "POST /console/lectures/menu/import", roles: publishers, county: true, upload: true, run: importTable},
		{pattern: "GET /console/lectures/lecturers/export", roles: publishers, county: true, fresh: true, run: exportLecturers},
		{pattern: "GET /console/lectures/lecturers/import", roles: publishers, county: true, run: importForm},
		{pattern: "POST /console/lectures/lecturers/import", roles: publishers, county: true, upload: true, run: importTable},
		{pattern: "GET /console/lectures/{id}", roles: lecturing, scope: orderScope, run: lecture},
		{pattern: "GET /console/lectures/{id}/photo", roles: lecturing, scope: orderScope, run: lecturePhoto},
		{pattern: "POST /console/lectures/{id}", roles: lecturing, scope: orderScope, upload: true, run: actLecture},
		{pattern: "GET /console/duties", nav: "普法责任", menu: "普法", roles: lecturing, run: duties},
		{pattern: "POST /console/duties/draft", roles: publishers, county: true, run: draftPrompts},
		{pattern: "POST /console/duties/prompts/{id}", roles: lecturing, scope: promptScope, run: actPrompt},
		{pattern: "GET /console/duties/export", roles: publishers, county: true, run: exportDuties},
		{pattern: "GET /console/duties/import", roles: publishers, county: true, run: importForm},
		{pattern: "POST /console/duties/import", roles: publishers, county: true, upload: true, run: importTable},
		{pattern: "POST /console/activities", roles: lecturing, run: addActivity},
		{pattern: "GET /console/activities/export", roles: publishers, county: true, run: exportActivities},
		{pattern: "GET /console/effect", nav: "普法效果", menu: "普法", roles: publishers, run: effect},
		{pattern: "POST /console/effect/write", roles: publishers, run: writeOn},

		// who did what, what the machine says, and what is held of people
		{pattern: "GET /console/audit", nav: "审计", menu: "记录与安全", roles: admins, county: true, run: audit},
		{pattern: "GET /console/reads", nav: "查看记录", menu: "记录与安全", roles: admins, run: reads},
		{pattern: "POST /console/audit/verify", roles: admins, county: true, run: verifyAudit},
		{pattern: "GET /console/topics", nav: "专题开关", menu: "记录与安全", roles: keepers, county: true, run: topics},
		{pattern: "POST /console/topics", roles: keepers, county: true, fresh: true, run: switchTopic},
		{pattern: "GET /console/drops", nav: "模型拦截", menu: "记录与安全", roles: admins, county: true, run: drops},
		{pattern: "GET /console/privacy", nav: "个人资料", menu: "记录与安全", roles: admins, county: true, run: privacy},
		{pattern: "POST /console/privacy/export", roles: admins, county: true, fresh: true, run: exportData},
		{pattern: "POST /console/privacy/erase", roles: admins, county: true, fresh: true, run: eraseData},

		// one's own messages and account
		{pattern: "GET /console/inbox", nav: "给我的通知", menu: "我的", roles: everybody, run: inbox},
		{pattern: "POST /console/inbox", roles: everybody, run: readInbox},
		{pattern: "GET /console/account", nav: "我的账号", menu: "我的", roles: everybody, run: account},
		{pattern: "GET /console/account/password", roles: everybody, early: true, run: passwordForm},
		{pattern: "POST /console/account/password", roles: everybody, early: true, run: changePassword},
		{pattern: "GET /console/account/codes", roles: everybody, early: true, fresh: true, run: codesForm},
		{pattern: "POST /console/account/codes", roles: everybody, early: true, fresh: true, run: confirmCodes},
		{pattern: "POST /console/account/codes/off", roles: everybody, fresh: true, run: dropCodes},
		{pattern: "POST /console/account/codes/recovery", roles: everybody, fresh: true, run: newRecovery},
		{pattern: "POST /console/account/sessions/{id}/end", roles: everybody, run: endSession},
	}
}

// Pages lists the patterns of all pages that a browser fetches, such as
// "/console/people/{id}".
func (c *Console) Pages() (list []string) {
	for _, r := range c.table {
		if method, path, _ := cutPattern(r.pattern); method == "GET" {
			list = append(list, strings.TrimSuffix(path, "{$}"))
		}
	}
	return list
}

// allows says whether the person has one of the roles anywhere.
func (r route) allows(p office.Person) bool { return slices.ContainsFunc(r.roles, p.Has) }

// shows says whether the person can open the page, so that the menu names it.
func (r route) shows(p office.Person) bool {
	return r.allows(p) && (!r.county || p.CoversAll(r.roles...))
}

// may says whether the person has a role for the page with this pattern; pages
// that are not in the table nobody may.
func (c *call) may(pattern string) bool {
	i := slices.IndexFunc(c.table, func(r route) bool { return r.pattern == pattern })
	return i >= 0 && c.table[i].shows(c.me)
}

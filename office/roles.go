package office

import (
	"slices"
	"strings"
)

// Account is a chat address, kept as opaque text.
type Account string

// Role is a duty that a person has at an organisation.
type Role uint8

// Roles. Everybody is a Resident; the others are given by an administrator.
const (
	Resident Role = iota
	Helper        // 法律明白人
	Grid          // 网格员
	Clerk         // 经办人
	Mediator      // 调解员
	Adviser       // 村居法律顾问
	Officer       // 普法干部
	Admin         // 管理员
)

var roleNames = [...]string{"居民", "法律明白人", "网格员", "经办人", "调解员", "法律顾问", "普法干部", "管理员"}

// String gives the role's Chinese name, which the records hold too.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "?"
}

// ParseRole reads a role's name. Invalid if there is none of that name.
func ParseRole(name string) (Role, error) {
	i := slices.Index(roleNames[:], strings.TrimSpace(name))
	if i < 1 {
		return 0, invalid("没有“%s”这个角色；可以是：%s。", name, strings.Join(roleNames[1:], "、"))
	}
	return Role(i), nil
}

// OrgKinds are the kinds of organisations. The first is the root's.
var OrgKinds = []string{"县", "乡镇街道", "村社区", "司法所", "法援中心", "公证处", "调解组织", "部门"}

// Org is one organisation of the tree.
type Org struct {
	ID     int64  `json:"id"`
	Parent int64  `json:"parent"` // 0: the root
	Kind   string `json:"kind"`   // one of OrgKinds
	Name   string `json:"name"`
	Short  string `json:"short"` // in case numbers: "城东"
	Path   string `json:"path"`  // "/1/4/"
}

// Post is a role at an organisation.
type Post struct {
	Role Role   `json:"-"`
	Name string `json:"role"` // Role's name, for JSON
	Org  Org    `json:"org"`
}

// Scope is the subtree, as a path prefix, whose cases the post may deal with. A
// 司法所 and a 调解组织 work for the whole of what they belong to.
func (p Post) Scope() string {
	if p.Org.Kind == "司法所" || p.Org.Kind == "调解组织" {
		return strings.TrimSuffix(p.Org.Path, lastStep(p.Org.Path))
	}
	return p.Org.Path
}

// lastStep gives "9/" of "/1/4/9/".
func lastStep(path string) string {
	trimmed := strings.TrimSuffix(path, "/")
	return path[strings.LastIndex(trimmed, "/")+1:]
}

// Person is somebody who acts. A resident has an Account and nothing else.
type Person struct {
	ID        int64    `json:"id"` // 0: a resident
	Name      string   `json:"name"`
	Phone     string   `json:"phone"`
	Email     string   `json:"email,omitempty"` // where mail about their work goes
	Account   Account  `json:"-"`               // the address that speaks now; empty on the console
	Posts     []Post   `json:"posts"`
	Fields    []string `json:"fields,omitempty"`    // what a mediator knows well
	Languages []string `json:"languages,omitempty"` // 普通话, 方言 …
	Conflicts []string `json:"conflicts,omitempty"` // parties and places a mediator may not deal with
	Suspended bool     `json:"suspended"`
	Cleared   bool     `json:"cleared"` // may see restricted cases in their scope
	Load      int      `json:"load"`    // open cases held; filled in by lists
	Bound     int      `json:"bound"`   // chat addresses bound; filled in by lists
}

// Has says whether the person has a role anywhere. A suspended person has none.
func (p Person) Has(r Role) bool {
	return !p.Suspended && slices.ContainsFunc(p.Posts, func(q Post) bool { return q.Role == r })
}

// Staff says whether the person answers cases: a clerk, mediator, adviser or
// administrator.
func (p Person) Staff() bool {
	return p.Has(Clerk) || p.Has(Mediator) || p.Has(Adviser) || p.Has(Admin)
}

// covers says whether a post of the role has the path in its scope.
func (p Person) covers(r Role, path string) bool {
	return !p.Suspended && slices.ContainsFunc(p.Posts, func(q Post) bool {
		return q.Role == r && strings.HasPrefix(path, q.Scope())
	})
}

// Covers says whether a post of one of the roles has the path (of an Org) in its
// scope.
func (p Person) Covers(path string, roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return p.covers(r, path) })
}

// CoversAll says whether a post of one of the roles has the whole county in its
// scope.
func (p Person) CoversAll(roles ...Role) bool {
	return !p.Suspended && slices.ContainsFunc(p.Posts, func(q Post) bool {
		return slices.Contains(roles, q.Role) && strings.Count(q.Scope(), "/") == 2 // "/1/": the root
	})
}

// Actor names the person in the audit.
func (p Person) Actor() string { return actor(p) }

// label names a person in records: what they are called and their first post.
func (p Person) label() string {
	switch {
	case p.ID == 0 && p.Name != "":
		return p.Name
	case p.ID == 0:
		return "本人"
	case len(p.Posts) == 0:
		return p.Name
	}
	return p.Posts[0].Org.Name + " " + p.Name
}

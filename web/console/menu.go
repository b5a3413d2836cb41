package console

import (
	"slices"
	"strings"
)

// flatMenu is up to how many entries the menu has no groups.
const flatMenu = 7

// shortcuts are the letters that go to a page after a g, by its address.
var shortcuts = map[string]string{
	"/console": "h", "/console/cases": "c", "/console/notices": "n", "/console/people": "p", "/console/content": "w", "/console/audit": "a", "/console/inbox": "i",
}

// navItem is one entry of the menu.
type navItem struct {
	Label, To string
	Current   string // of aria-current: page, true for a page below it, or ""
	Key       string // goes there after a g; "": none does
}

// navGroup is entries of the menu that open together, or one that stands for
// itself and has no Label.
type navGroup struct {
	Label   string
	Current bool // one of its entries is
	Items   []navItem
}

// nav is the menu of who is signed in. Who has few entries has them all side by
// side.
func (c *call) nav() (groups []navGroup) {
	if c.me.ID == 0 {
		return nil
	}
	n := 0
	for _, r := range c.table {
		if r.nav == "" || !r.shows(c.me) {
			continue
		}
		n++
		item := c.navItem(r)
		i := slices.IndexFunc(groups, func(g navGroup) bool { return g.Label != "" && g.Label == r.menu })
		if i < 0 {
			groups, i = append(groups, navGroup{Label: r.menu}), len(groups)
		}
		groups[i].Items = append(groups[i].Items, item)
		groups[i].Current = groups[i].Current || item.Current != ""
	}
	if n <= flatMenu {
		return flat(groups, func(navGroup) bool { return true })
	}
	return flat(groups, func(g navGroup) bool { return len(g.Items) == 1 })
}

// flat takes the groups apart that which says, so that each entry stands for itself.
func flat(groups []navGroup, which func(navGroup) bool) (list []navGroup) {
	for _, g := range groups {
		if !which(g) {
			list = append(list, g)
			continue
		}
		for _, item := range g.Items {
			list = append(list, navGroup{Current: item.Current != "", Items: []navItem{item}})
		}
	}
	return list
}

func (c *call) navItem(r route) navItem {
	_, to, _ := cutPattern(r.pattern)
	item := navItem{Label: r.nav, To: to, Key: shortcuts[to]}
	switch {
	case c.r.URL.Path == to:
		item.Current = "page"
	case to != "/console" && strings.HasPrefix(c.r.URL.Path, to+"/"):
		item.Current = "true"
	}
	return item
}

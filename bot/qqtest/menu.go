package qqtest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the menu, the command panels and the share link (menu, panel and
// generate_url_link pages). Names count a Chinese character as two.
const (
	maxMenu         = 10
	maxSubMenu      = 5
	maxMenuName     = 10
	maxPanels       = 20
	maxPanelItems   = 20
	maxPanelName    = 14
	maxPanelDesc    = 30
	maxCallbackData = 32
)

// width counts a Chinese character as two.
func width(s string) int {
	n := 0
	for _, r := range s {
		if n++; unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

type menuItem struct {
	Name string     `json:"name"`
	Type string     `json:"type"`
	URL  string     `json:"url"`
	Sub  []menuItem `json:"sub_menu"`
}

func (c *call) getMenu() reply {
	if c.bot.menu == nil {
		return ok(object{"menus": []object{}})
	}
	return ok(c.bot.menu)
}

// putMenu answers PUT /v2/menu.
func (c *call) putMenu() reply {
	var in struct {
		Menus []menuItem `json:"menus"`
	}
	var raw object
	if !c.decode(&in) || !c.decode(&raw) || len(in.Menus) > maxMenu || !goodMenu(in.Menus, true) {
		return refuse(codeMenu)
	}
	c.bot.menu = raw
	return ok(object{})
}

func goodMenu(items []menuItem, top bool) bool {
	for _, m := range items {
		if m.Name == "" || width(m.Name) > maxMenuName {
			return false
		}
		switch m.Type {
		case "send_message", "switch":
		case "link":
			if !strings.HasPrefix(m.URL, "https://") {
				return false
			}
		case "menu":
			if !top || len(m.Sub) == 0 || len(m.Sub) > maxSubMenu || !goodMenu(m.Sub, false) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// goodPanel reads a panel and reports whether it keeps the limits.
func (c *call) goodPanel() (object, bool) {
	var in struct {
		Scope string `json:"scope"`
		Items []struct {
			Name string `json:"name"`
			Desc string `json:"desc"`
		} `json:"items"`
	}
	var raw object
	if !c.decode(&in) || !c.decode(&raw) || len(in.Items) == 0 || len(in.Items) > maxPanelItems {
		return nil, false
	}
	switch in.Scope {
	case "c2c", "group", "channel", "dm":
	default:
		return nil, false
	}
	for _, i := range in.Items {
		if i.Name == "" || utf8.RuneCountInString(i.Name) > maxPanelName || utf8.RuneCountInString(i.Desc) > maxPanelDesc {
			return nil, false
		}
	}
	return raw, true
}

func (c *call) listPanels() reply {
	list := c.bot.panels
	if list == nil {
		list = []object{}
	}
	return ok(object{"panels": list})
}

func (c *call) addPanel() reply {
	raw, good := c.goodPanel()
	if !good || len(c.bot.panels) >= maxPanels {
		return refuse(codeMenu)
	}
	raw["id"] = c.p.nextID("panel")
	c.bot.panels = append(c.bot.panels, raw)
	return ok(object{"id": raw["id"]})
}

// panel is the index of the panel the path names, -1 if there is none.
func (c *call) panel() int {
	for i, p := range c.bot.panels {
		if p["id"] == c.vars["id"] {
			return i
		}
	}
	return -1
}

func (c *call) getPanel() reply {
	i := c.panel()
	if i < 0 {
		return refuse(codeMenu)
	}
	return ok(c.bot.panels[i])
}

func (c *call) putPanel() reply {
	i := c.panel()
	raw, good := c.goodPanel()
	if i < 0 || !good {
		return refuse(codeMenu)
	}
	raw["id"] = c.vars["id"]
	c.bot.panels[i] = raw
	return ok(object{})
}

func (c *call) deletePanel() reply {
	i := c.panel()
	if i < 0 {
		return refuse(codeMenu)
	}
	c.bot.panels = append(c.bot.panels[:i:i], c.bot.panels[i+1:]...)
	return reply{status: 204}
}

// targetPanel answers PUT /v2/panels/{id}/target.
func (c *call) targetPanel() reply {
	var raw object
	i := c.panel()
	if i < 0 || !c.decode(&raw) {
		return refuse(codeMenu)
	}
	return ok(object{})
}

// urlLink answers POST /v2/generate_url_link.
func (c *call) urlLink() reply {
	var in struct {
		Data string `json:"callback_data"`
	}
	if !c.decode(&in) || utf8.RuneCountInString(in.Data) > maxCallbackData {
		return refuse(codeMenu)
	}
	link := "https://qun.qq.com/qunpro/robot/qunshare?robot_appid=" + c.bot.appID + "&data=" + c.p.fixedID("link", in.Data)
	c.bot.links[link] = in.Data
	return ok(object{"url_link": link})
}

// groupState answers GET /v2/groups/{group}/bot_state for white-listed bots.
func (c *call) groupState() reply {
	g := c.bot.groups[c.vars["group"]]
	switch {
	case !c.bot.options.WhiteListed:
		return refuse(codeNoRight)
	case g == nil || !g.in:
		return refuse(codeRobotOut)
	}
	setting := 0
	if g.all {
		setting = 1
	}
	return ok(object{"allow_proactive_msg": g.push, "recv_msg_setting": setting, "member_role": "member"})
}

// groupInfo answers GET /v2/groups/{group}/info for white-listed bots.
func (c *call) groupInfo() reply {
	g := c.bot.groups[c.vars["group"]]
	switch {
	case !c.bot.options.WhiteListed:
		return refuse(codeNoRight)
	case g == nil || !g.in:
		return refuse(codeRobotOut)
	}
	return ok(object{"group_openid": g.openid, "group_name": g.name, "member_count": len(g.members)})
}

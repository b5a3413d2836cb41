package main

import (
	"context"
	"fmt"

	"mingbai/office"
)

// Names of the made-up county. No place or person is meant.
var (
	demoTowns    = []string{"城东街道", "城西街道", "柳河镇", "白塔镇", "石桥镇", "青龙乡", "杨树镇", "南山乡"}
	demoVillages = []string{"三里村", "前进村", "河湾村", "大槐树村", "石门村", "向阳村", "张家沟村", "李家坪村", "赵庄村", "新华社区", "和平社区", "朝阳社区"}
	demoSurnames = []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
	demoGiven    = []string{"建国", "秀英", "桂兰", "志强", "丽华", "海燕", "永福", "明亮", "春梅", "玉珍", "大勇", "晓东", "文斌", "雪梅", "国庆", "翠花", "德才", "小军", "金凤", "长顺", "红霞", "立新", "家旺", "素芬", "振华", "淑珍", "守信", "冬梅", "有田", "兰香"}
	demoFields   = []string{"婚姻家庭", "邻里", "土地", "欠薪", "宅基地", "交通", "物业", "借贷"}
)

func (d *demoCounty) name() string {
	return string(demoSurnames[d.r.IntN(len(demoSurnames))]) + demoGiven[d.r.IntN(len(demoGiven))]
}

// called is how people call themselves: 王某.
func (d *demoCounty) called() string {
	return string(demoSurnames[d.r.IntN(len(demoSurnames))]) + []string{"某", "先生", "女士", "大娘", "师傅", "老汉"}[d.r.IntN(6)]
}

func (d *demoCounty) phone() string { return fmt.Sprintf("1390000%04d", d.r.IntN(10000)) }

func (d *demoCounty) org(ctx context.Context, kind, name string, above office.Org) (office.Org, error) {
	return d.db.AddOrg(ctx, "demo", office.Org{Kind: kind, Name: name, Parent: above.ID})
}

func (d *demoCounty) hire(ctx context.Context, r office.Role, o office.Org, change func(*office.Person)) (office.Person, error) {
	p := office.Person{Name: d.name(), Phone: d.phone(), Posts: []office.Post{{Role: r, Org: o}}}
	if change != nil {
		change(&p)
	}
	p, err := d.db.AddPerson(ctx, "demo", p)
	if office.KindOf(err) == office.Conflict && err != nil { // the name is taken
		return d.hire(ctx, r, o, change)
	}
	return p, err
}

// people makes the organisations and about seventy people.
func (d *demoCounty) people(ctx context.Context) (err error) {
	if d.root, err = d.org(ctx, "县", "青禾县", office.Org{}); err != nil {
		return err
	}
	var towns []office.Township
	for i, name := range demoTowns {
		t, err := d.town(ctx, name, i)
		if err != nil {
			return err
		}
		d.towns = append(d.towns, t)
		towns = append(towns, office.Township{Name: name})
	}
	if d.admin, err = d.hire(ctx, office.Admin, d.root, nil); err != nil {
		return err
	}
	if _, err = d.hire(ctx, office.Officer, d.root, nil); err != nil {
		return err
	}
	for _, o := range []struct {
		kind, name string
		role       office.Role
		field      string
	}{
		{"法援中心", "县法律援助中心", office.Clerk, ""}, {"公证处", "青禾公证处", office.Adviser, ""}, {"调解组织", "道路交通事故人民调解委员会", office.Mediator, "交通"},
		{"调解组织", "物业纠纷人民调解委员会", office.Mediator, "物业"}, {"调解组织", "医疗纠纷人民调解委员会", office.Mediator, "医疗"}, {"部门", "县人力资源和社会保障局", office.Adviser, ""},
	} {
		at, err := d.org(ctx, o.kind, o.name, d.root)
		if err != nil {
			return err
		}
		p, err := d.hire(ctx, o.role, at, func(p *office.Person) {
			if o.field != "" {
				p.Fields = []string{o.field}
			}
		})
		if err != nil {
			return err
		}
		d.extra = append(d.extra, p)
	}
	return d.db.SetCounty(ctx, "demo", office.County{Name: "青禾县", Province: "某省", Townships: towns})
}

// town makes a township: a 司法所 with two clerks and two mediators, three
// villages with their 法律明白人, a grid member, an adviser in every other one.
func (d *demoCounty) town(ctx context.Context, name string, i int) (t demoTown, err error) {
	if t.org, err = d.org(ctx, "乡镇街道", name, d.root); err != nil {
		return t, err
	}
	bureau, err := d.org(ctx, "司法所", t.org.Short+"司法所", t.org)
	if err != nil {
		return t, err
	}
	for k := range 2 {
		p, err := d.hire(ctx, office.Clerk, bureau, nil)
		if err != nil {
			return t, err
		}
		if k == 0 {
			if err := d.db.Clear(ctx, "demo", p.ID, true, "分管未成年人保护"); err != nil {
				return t, err
			}
			p.Cleared = true
		}
		t.clerks = append(t.clerks, p)
		if p, err = d.hire(ctx, office.Mediator, bureau, func(p *office.Person) {
			p.Fields = []string{demoFields[(2*i+k)%len(demoFields)], demoFields[(3*i+k+2)%len(demoFields)]}
			p.Languages = []string{"普通话", "本地话"}
		}); err != nil {
			return t, err
		}
		t.mediators = append(t.mediators, p)
	}
	for k := range 3 {
		v, err := d.org(ctx, "村社区", demoVillages[(3*i+k)%len(demoVillages)], t.org)
		if err != nil {
			return t, err
		}
		p, err := d.hire(ctx, office.Helper, v, nil)
		if err != nil {
			return t, err
		}
		t.villages, t.helpers = append(t.villages, v), append(t.helpers, p)
	}
	if i%2 == 0 {
		if _, err = d.hire(ctx, office.Adviser, t.villages[0], nil); err != nil {
			return t, err
		}
	}
	t.grid, err = d.hire(ctx, office.Grid, t.org, nil)
	return t, err
}

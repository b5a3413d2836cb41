package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"mingbai/office"
	"mingbai/web"
)

// testLectures orders on the public page, gives the order to a lecturer on the
// console and brings it to its end; then it looks at duties and effect.
func testLectures(t *testing.T, browser context.Context) {
	u := newBureau(t)
	ctx := t.Context()
	keep := func(rep office.Import, err error) {
		t.Helper()
		if err != nil || len(rep.Errors) > 0 {
			t.Fatal(rep, err)
		}
	}
	keep(u.db.ImportOrgs(ctx, "test", [][]string{{"上级", "类别", "名称"}, {"青禾县", "部门", "人社局"}, {"青禾县", "部门", "公安局"}}, false))
	keep(u.db.ImportDuties(ctx, "test", [][]string{{"部门", "法律法规", "普法内容", "频次"}, {"人社局", "劳动合同法", "签合同、发工资", "每季度"}, {"公安局", "反电信网络诈骗法", "不转账", "每季度"}}, false))
	keep(u.db.ImportLecturers(ctx, "test", [][]string{{"姓名", "部门", "电话", "专长"}, {"钱讲师", "人社局", "13800000001", "劳动"}}, false))
	keep(u.db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长", "对象", "讲师", "晚上周末", "责任编号"}, {"讨薪怎么办", "人社局", "60", "企业、乡村", "钱讲师", "是", "1"}}, false))
	page, err := web.NewLectures(web.LectureOptions{Office: u.db, Place: func() string { return "青禾县" }})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Options{API: http.NotFoundHandler(), Console: u.pages, Hooks: map[string]http.Handler{"/lecture": page}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u.URL = s.URL // the cookie is for a host, not a port
	b := u.signed(t, browser, "/lecture")
	b.titled("点单普法：请人来讲法")
	b.check("lecture-public")
	b.run(chromedp.Click(`input[name=lecture]`, chromedp.ByQuery))
	for name, text := range map[string]string{"when": "明天上午九点", "heads": "40", "unit": "城东街道三里村村委会", "contact": "张三", "phone": "13900000000"} {
		b.fill(name, text)
	}
	b.press("下单")
	b.until(`document.querySelector('.fault').textContent.includes('最早可以约') && document.querySelector('[name=contact]').value === '张三'`)
	b.check("lecture-public-fault")
	b.fill("when", u.lectureDay(t))
	b.press("下单")
	b.until(`document.querySelector('#code')`)
	b.check("lecture-public-done")
	b.run(chromedp.Navigate(u.URL + "/console/lectures"))
	b.titled("点单普法")
	b.check("lectures")
	b.press("讲2")
	b.until(`document.querySelector('main h1').textContent.startsWith('讲座 讲')`)
	b.check("lecture-placed")
	b.press("派单")
	b.until(`document.querySelector('.flash').textContent.includes('已派单')`)
	b.check("lecture-dispatched")
	b.press("接单")
	b.until(`document.querySelector('.flash').textContent.includes('已接单')`)
	b.fill("came", "38")
	b.press("记为完成")
	b.until(`document.querySelector('.fault').textContent.includes('才开讲')`)
	b.check("lecture-too-early")
	u.testPhoto(t, b)
	b.run(chromedp.Navigate(u.URL + "/console/lectures/pool"))
	b.titled("讲座菜单和讲师库")
	b.check("lecture-pool")
	u.testDuties(t, b)
}

// lectureDay is a day on which there are lectures.
func (u *bureau) lectureDay(t *testing.T) string {
	t.Helper()
	for days := 3; days < 60; days++ {
		d := time.Now().In(time.FixedZone("", 8*3600)).AddDate(0, 0, days)
		at := time.Date(d.Year(), d.Month(), d.Day(), 10, 0, 0, 0, d.Location())
		if _, err := u.db.Bookable(t.Context(), 1, at); err == nil {
			return fmt.Sprintf("%d月%d日上午10点", at.Month(), at.Day())
		}
	}
	t.Fatal("there is no day for a lecture")
	return ""
}

// testPhoto has the lecture be over, sends a file that is no photo and then one.
func (u *bureau) testPhoto(t *testing.T, b *tab) {
	write, _, _ := u.db.Handles()
	if _, err := write.ExecContext(t.Context(), `UPDATE orders SET at = $1, ends = $1`, time.Now().Add(-time.Minute).Unix()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	page, photo := filepath.Join(dir, "page.jpg"), filepath.Join(dir, "photo.jpg")
	var shot bytes.Buffer
	if err := errors.Join(jpeg.Encode(&shot, image.NewGray(image.Rect(0, 0, 640, 480)), nil), os.WriteFile(photo, shot.Bytes(), 0o600), os.WriteFile(page, []byte("<script>alert(1)</script>"), 0o600)); err != nil {
		t.Fatal(err)
	}
	b.fill("came", "38")
	b.run(chromedp.SetUploadFiles(`[name=picture]`, []string{page}, chromedp.ByQuery))
	b.press("记为完成")
	b.until(`document.querySelector('.fault').textContent.includes('只收 JPG') && document.querySelector('[name=came]').value === '38'`)
	b.run(chromedp.SetUploadFiles(`[name=picture]`, []string{photo}, chromedp.ByQuery))
	b.press("记为完成")
	b.until(`document.querySelector('.flash').textContent.includes('已完成') && document.querySelector('img.poster').naturalWidth === 640`)
	b.check("lecture-photo")
}

// testDuties drafts and sends a prompt, writes an activity down, and looks at the
// week's topics.
func (u *bureau) testDuties(t *testing.T, b *tab) {
	b.run(chromedp.Navigate(u.URL + "/console/duties"))
	b.titled("普法责任和活动")
	b.until(`document.querySelector('td details a').textContent.includes('讨薪怎么办')`)
	b.press("起草普法提示")
	b.until(`document.querySelector('.flash').textContent.includes('起草了 1 份')`)
	b.check("duties")
	b.press("发出")
	b.until(`document.querySelector('.flash').textContent.includes('已发出')`)
	b.fill("day", time.Now().In(time.FixedZone("", 8*3600)).Format(time.DateOnly))
	b.fill("title", "宪法宣传周")
	b.fill("heads", "120")
	b.press("登记")
	b.until(`document.querySelector('.flash').textContent.includes('已登记')`)
	b.check("duties-activity")
	var list []office.Consult
	for i := range 8 {
		list = append(list, office.Consult{ID: fmt.Sprint("c", i), At: time.Now(), Account: fmt.Sprint("qq/user/", i%4), Session: fmt.Sprint(i), Channel: "qq", Kind: []string{"answer", "unknown"}[i%2], Topic: "LB01", Entry: "lb01-unpaid-wages", Area: "城东街道"})
	}
	if err := u.db.RecordConsults(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	u.published(t, map[string]int{"三里村": 40, "五里村": 2, "七里村": 2})
	b.run(chromedp.Navigate(u.URL + "/console/effect"))
	b.titled("普法效果")
	b.until(`document.body.textContent.includes('LB01') && document.body.textContent.includes('城东街道')`)
	b.until(`['每条内容', '各专题', '各地方'].every((x) => document.querySelector('[aria-label="' + x + '的效果"] tbody tr'))`)
	b.check("effect")
	var table string
	b.run(chromedp.Evaluate(`fetch('/console/effect?table=places').then((r) => r.text())`, &table, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if !strings.Contains(table, "三里村,1,40,0,0") || !strings.Contains(table, "其他地方,1,4,0,0") || strings.Contains(table, "五里村") {
		t.Errorf("the table of places: %s", table)
	}
}

// published puts a piece on the page that was asked for in these places.
func (u *bureau) published(t *testing.T, pulled map[string]int) {
	t.Helper()
	ctx := t.Context()
	it, err := u.db.AddPiece(ctx, u.plain, office.PieceVersion{Kind: office.KindText, Title: "欠薪怎么要", Body: "先留证据，再打12333，还可以找法律援助。", Topic: "LB01", Audience: []string{"乡村"}})
	if err != nil {
		t.Fatal(err)
	}
	write, _, _ := u.db.Handles()
	if _, err := write.ExecContext(ctx, `UPDATE items SET published = $1, live = 1, shown = 1, state = 'published' WHERE id = $2`, time.Now().Unix(), it.ID); err != nil {
		t.Fatal(err)
	}
	for place, n := range pulled {
		if err := u.db.CountPiece(ctx, it.ID, office.CountPulled, place, n); err != nil {
			t.Fatal(err)
		}
	}
}

package main

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

func TestLectureAndDutyCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must := func(in string, code int, want string, args ...string) {
		t.Helper()
		got, out, errs := try(t, dir, in, args...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Fatalf("%v: exit %d, want %d with %q:\n%s%s", args, got, code, want, out, errs)
		}
	}
	must("上级,类别,名称\n,县,青禾县\n青禾县,部门,人社局\n青禾县,村社区,三里村\n", 0, "导入 3 行", "org", "import", "-")
	must("姓名,角色,机构\n赵干部,普法干部,青禾县\n孙科长,经办人,人社局\n", 0, "导入 2 行", "person", "import", "-")
	duties := "部门,法律法规,普法内容,对象,频次\n人社局,劳动合同法,签合同,企业,每季度\n人社局,x,y,外星人,\n"
	must(duties, 1, "第 3 行：对象“外星人”", "duty", "import", "--dry-run", "-")
	must(strings.TrimSuffix(duties, "人社局,x,y,外星人,\n"), 0, "导入 1 行", "duty", "import", "-")
	must("姓名,部门,电话\n孙科长,人社局,13800000000\n", 0, "导入 1 行", "lecture", "lecturers", "import", "-")
	must("主题,部门,时长,讲师,晚上周末,责任编号\n讨薪,人社局,60,孙科长,是,1\n", 0, "导入 1 行", "lecture", "menu", "import", "-")
	must("", 0, "讨薪（60分钟", "lecture", "menu")
	must("", 1, "最早可以约", "lecture", "order", "1", "--at", "明天上午9点", "--heads", "40", "--unit", "三里村", "--contact", "张三", "--phone", "13900000000")
	must("", 2, "菜单编号", "lecture", "order")
	must("", 0, `"topic": "讨薪"`, "lecture", "menu", "--json")
	must("", 0, "共 0 张", "lecture", "list")
	must("日期,类型,名称,部门,地点,人次,责任编号\n2026-03-15,主题宣传,维权日,人社局,广场,200,1\n", 0, "导入 1 行", "lecture", "activity", "import", "-")
	must("", 0, "2026-03,主题宣传,1,200", "lecture", "activity", "export", "-", "--counts", "--from", "2026-01-01", "--to", "2026-12-31")
	photo := filepath.Join(dir, "photo.jpg")
	if err := os.WriteFile(photo, []byte("no photo"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("", 1, "没有找到这场讲座", "lecture", "act", "1", "补照片", "--photo", photo, "--as", "1")
	must("", 1, "打不开图片", "lecture", "act", "1", "补照片", "--photo", photo+"x", "--as", "1")
	no := heldLecture(t, dir)
	must("", 1, "只收 JPG", "lecture", "act", no, "完成讲座", "--came", "38", "--photo", photo, "--as", "1")
	var shot bytes.Buffer
	if err := errors.Join(jpeg.Encode(&shot, image.NewGray(image.Rect(0, 0, 64, 48)), nil), os.WriteFile(photo, shot.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	must("", 0, "现在是“已完成”", "lecture", "act", no, "完成讲座", "--came", "38", "--photo", photo, "--as", "1")
	must("", 0, "完成讲座", "lecture", "show", no, "--photo", filepath.Join(dir, "out.jpg"))
	if out, err := os.ReadFile(filepath.Join(dir, "out.jpg")); err != nil || http.DetectContentType(out) != "image/jpeg" {
		t.Errorf("the photo: %v, %d bytes", err, len(out))
	}
	must("", 1, "写不了照片", "lecture", "show", no, "--photo", filepath.Join(dir, "out.jpg"))
	must("借钱要打借条，写清金额、利率、还款日，双方签名按手印。", 0, "已存：1", "content", "add", "--by", "1", "--title", "打借条", "--audience", "乡村", "--duty", "1", "-")
	must("", 1, "没有编号 9", "content", "duty", "1", "9", "--by", "1")
	must("", 0, "草稿", "content", "duty", "1", "0", "--by", "1")
	must("", 0, "没有开展", "duty", "gaps", "--quarter", "2099Q4")
	must("", 0, "第五十七条", "duty", "prompts", "--draft", "--quarter", "2099Q4")
	must("", 0, "已发给人社局", "duty", "send", "1", "--as", "1")
	must("", 0, "已记下人社局", "duty", "answer", "1", "本月开展两场。", "--as", "2")
	must("", 0, "已反馈", "duty", "prompts", "--quarter", "2099年第4季度")
}

// heldLecture puts an order into the records that was accepted for an hour ago.
func heldLecture(t *testing.T, dir string) (no string) {
	t.Helper()
	ctx := t.Context()
	db, err := office.Open(ctx, office.Options{Dir: dir, Now: func() time.Time { return time.Now().AddDate(0, 0, -30) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	by, err := db.Person(ctx, 1)
	var out office.Ordered
	for days := 3; err == nil; days++ { // the first day on which there are lectures
		d := time.Now().AddDate(0, 0, days-30)
		out, err = db.PlaceOrder(ctx, by, office.OrderDraft{Lecture: 1, At: time.Date(d.Year(), d.Month(), d.Day(), 10, 0, 0, 0, time.FixedZone("", 8*3600)), Heads: 40, Unit: "三里村", Contact: "张三", Phone: "13900000000"})
		if err == nil {
			break
		}
		if days < 20 && (office.KindOf(err) == office.Conflict || office.KindOf(err) == office.Invalid) {
			err = nil
		}
	}
	for _, verb := range []string{"派讲", "接单"} {
		if err == nil {
			_, err = db.ActOrder(ctx, by, out.Order.No, office.OrderAction{Verb: verb})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Order.No
}

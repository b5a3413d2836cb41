package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestScreenshots stores pictures of the page in the directory that the
// environment variable SCREENSHOTS names. SCREENSHOTS_URL takes a running site
// in place of the scripted one.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("SCREENSHOTS names no directory: no pictures are taken")
	}
	browser := newBrowser(t)
	for _, size := range []struct {
		name          string
		width, height int64
		scale         float64
	}{{"phone", 390, 844, 2}, {"desktop", 1280, 900, 1}} {
		url := os.Getenv("SCREENSHOTS_URL")
		if url == "" {
			url = newSite(t).URL
		}
		b := open(t, browser, url)
		b.run(chromedp.EmulateViewport(size.width, size.height, chromedp.EmulateScale(size.scale)))
		b.until(`!document.querySelector('#welcome').hidden`)
		b.shoot(filepath.Join(dir, "start-"+size.name+".png"))
		b.ask("老板三个月没发工资，我是外地来打工的，能请免费律师吗")
		b.replies(1)
		b.run(chromedp.Blur(`#words`, chromedp.ByQuery))
		b.settle()
		b.shoot(filepath.Join(dir, "page-"+size.name+".png"))
		b.run(chromedp.Evaluate(`document.querySelector('.sources').scrollIntoView(); document.querySelector('.source').open = true`, nil))
		b.settle()
		b.shoot(filepath.Join(dir, "sources-"+size.name+".png"))
		b.ask("我想离婚")
		b.replies(2)
		b.settle()
		b.shoot(filepath.Join(dir, "choices-"+size.name+".png"))
		b.ask("他又打我")
		b.replies(3)
		b.settle()
		b.shoot(filepath.Join(dir, "urgent-"+size.name+".png"))
	}
}

// settle waits until the page has stopped scrolling.
func (b *tab) settle() {
	b.t.Helper()
	b.run(chromedp.Evaluate(`new Promise((done) => {
		let last = -1, still = 0;
		const look = () => {
			still = scrollY === last ? still + 1 : 0;
			last = scrollY;
			if (still > 12) done(true); else requestAnimationFrame(look);
		};
		look();
	})`, nil, awaitPromise))
}

func (b *tab) shoot(path string) {
	b.t.Helper()
	var picture []byte
	b.run(chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

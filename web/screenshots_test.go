package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
)

// TestScreenshots stores pictures of the page in the directory that the
// environment variable SCREENSHOTS names: page-phone.png and page-desktop.png,
// with SCREENSHOTS_ALL more of them. SCREENSHOTS_URL takes a running site in
// place of the scripted one.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("SCREENSHOTS names no directory: no pictures are taken")
	}
	browser := servers.StartChromium(t)
	for _, size := range []struct {
		name          string
		width, height int64
		scale         float64
	}{{"phone", 390, 844, 1.5}, {"desktop", 1280, 900, 1}} {
		url := os.Getenv("SCREENSHOTS_URL")
		if url == "" {
			url = newSite(t).URL
		}
		b := open(t, browser, url)
		b.run(chromedp.EmulateViewport(size.width, size.height, chromedp.EmulateScale(size.scale)))
		b.until(`!document.querySelector('#welcome').hidden`)
		b.more(dir, "start-"+size.name)
		b.ask(wagesQuestion)
		b.replies(1)
		b.run(chromedp.Blur(`#words`, chromedp.ByQuery))
		b.shoot(filepath.Join(dir, "page-"+size.name+".png"))
		if os.Getenv("SCREENSHOTS_ALL") != "" {
			b.tour(dir, size.name)
		}
	}
}

// tour takes pictures of what else the page can look like.
func (b *tab) tour(dir, size string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`document.querySelector('.sources').scrollIntoView(); document.querySelector('.source').open = true`, nil))
	b.more(dir, "sources-"+size)
	b.ask("我想离婚")
	b.replies(2)
	b.more(dir, "choices-"+size)
	b.ask("他又打我")
	b.replies(3)
	b.more(dir, "urgent-"+size)
	b.run(media("prefers-color-scheme", "dark"))
	b.more(dir, "dark-"+size)
	b.run(media("prefers-color-scheme", "light"), chromedp.EmulateViewport(320, 568), chromedp.Click(`#larger`, chromedp.ByQuery), chromedp.Evaluate(`scrollTo(0, 0)`, nil))
	b.more(dir, "large-"+size)
}

// more takes a picture if all are wanted.
func (b *tab) more(dir, name string) {
	b.t.Helper()
	if os.Getenv("SCREENSHOTS_ALL") != "" {
		b.shoot(filepath.Join(dir, name+".png"))
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
	b.settle()
	b.run(chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

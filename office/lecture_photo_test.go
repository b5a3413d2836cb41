package office

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secret stands in test pictures where phones write where a photo was taken.
const secret = "GPS 28.9000N 119.8000E"

// snapshot is a photo of a phone: red on the left, blue on the right, in the
// orientation it was taken in, with a place and words in the file and more bytes
// behind its end.
func snapshot(t *testing.T, w, h, orientation int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{0xff, 0, 0, 0xff})
			if x >= w/2 {
				m.Set(x, y, color.RGBA{0, 0, 0xff, 0xff})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	exif := append([]byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), byte(orientation), 0, 0, 0, 0, 0, 0)
	exif = append(exif, secret...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	out = append(append(out, exif...), b.Bytes()[2:]...)
	return append(out, "PK\x03\x04 "+secret...)
}

// drawing is a PNG with words in it.
func drawing(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	text := append([]byte("tEXtComment\x00"), secret...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, text...), crc32.ChecksumIEEE(text))
	return append(append(append([]byte{}, b.Bytes()[:33]...), chunk...), b.Bytes()[33:]...)
}

func TestTakePicture_KeepsThePictureAndNothingElse(t *testing.T) {
	t.Parallel()
	// where the red half is: left, right, top, bottom
	for orientation, red := range map[int]image.Point{1: {1, 5}, 2: {8, 5}, 3: {8, 5}, 4: {1, 5}, 5: {5, 1}, 6: {5, 1}, 7: {5, 8}, 8: {5, 8}} {
		m, err := takePicture(t.Context(), snapshot(t, 1000, 600, orientation), photoRule)
		if err != nil {
			t.Fatal(orientation, err)
		}
		got, err := jpeg.Decode(bytes.NewReader(m.Data))
		if err != nil || got.Bounds().Dx() != m.Width || (orientation >= 5) != (m.Height > m.Width) {
			t.Fatalf("orientation %d: %v, %v", orientation, got.Bounds(), err)
		}
		if r, _, b, _ := got.At(red.X*m.Width/10, red.Y*m.Height/10).RGBA(); r < 0xd000 || b > 0x4000 {
			t.Errorf("orientation %d: it is not red at %v: %x %x", orientation, red, r, b)
		}
		if bytes.Contains(m.Data, []byte(secret)) || bytes.Contains(m.Data, []byte("Exif")) {
			t.Errorf("orientation %d: the place stays in the file", orientation)
		}
	}
	large, err := takePicture(t.Context(), snapshot(t, 4000, 3000, 6), photoRule)
	if err != nil || large.Width != 1200 || large.Height != 1600 || len(large.Data) > photoRule.keep {
		t.Errorf("a large photo: %d×%d, %d bytes, %v", large.Width, large.Height, len(large.Data), err)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	poster, err := takePicture(t.Context(), drawing(t, clear), posterRule)
	if err != nil || poster.Type != "image/png" || poster.Width != 30 || bytes.Contains(poster.Data, []byte(secret)) {
		t.Errorf("a poster: %s, %d wide, %v", poster.Type, poster.Width, err)
	}
	photo, err := takePicture(t.Context(), drawing(t, clear), photoRule)
	if err != nil || photo.Type != "image/jpeg" {
		t.Fatalf("a PNG as a photo: %s, %v", photo.Type, err)
	}
	if m, err := jpeg.Decode(bytes.NewReader(photo.Data)); err != nil {
		t.Error(err)
	} else if r, g, b, _ := m.At(3, 3).RGBA(); r < 0xf000 || g < 0xf000 || b < 0xf000 {
		t.Errorf("what was clear is %x %x %x, want white", r, g, b)
	}
}

// hostile are files that are sent as photos and are none, or would need too much.
func hostile(t *testing.T) map[string][]byte {
	t.Helper()
	whole := snapshot(t, 40, 30, 1)
	// a header that promises 6000 × 6000 pixels, and one of 60,000
	bomb := func(w, h uint32) []byte {
		head := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
		head = append(head, 16, 6, 0, 0, 0)
		out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
	}
	return map[string][]byte{
		"text":             []byte("签到 38 人"),
		"a page":           []byte("<!doctype html><script>alert(1)</script>"),
		"a drawing in XML": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`),
		"GIF":              []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
		"HEIC":             []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"),
		"half a JPEG":      whole[:len(whole)/3],
		"a JPEG's head":    {0xff, 0xd8, 0xff},
		"a program":        []byte("\x7fELF\x02\x01\x01"),
		"many pixels":      bomb(6000, 6000),
		"a long side":      bomb(60000, 2),
		"no pixels":        bomb(0, 0),
		"a PNG's head":     bomb(300, 300),
		"too many bytes":   append(whole, make([]byte, MaxPhoto)...),
		"exif that lies":   append([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff\xff"), whole[2:]...),
	}
}

func TestTakePicture_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, file := range hostile(t) {
		if name == "exif that lies" {
			if _, err := takePicture(t.Context(), file, photoRule); err != nil && KindOf(err) != Invalid {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if _, err := takePicture(t.Context(), file, photoRule); KindOf(err) != Invalid || Words(err) == "" {
			t.Errorf("%s: got %v, want it refused with a reason", name, err)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x24Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x24Exif\x00\x00II\x2a\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := orientation(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

// held is a lecture that is over.
func (k *school) held(t *testing.T, verb OrderAction) Order {
	t.Helper()
	out, err := k.order(t, 1, "2026-12-04 09:00", "城东街道三里村村委会")
	if err != nil {
		t.Fatal(err)
	}
	k.act(t, k.officer, out.Order.No, OrderAction{Verb: "派讲"})
	k.act(t, k.lecturer, out.Order.No, OrderAction{Verb: "接单"})
	k.pass(10 * 24 * time.Hour)
	return k.act(t, k.lecturer, out.Order.No, verb)
}

func TestLecturePhoto_FromUploadToErasure(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		o := k.held(t, OrderAction{Verb: "完成讲座", Came: 38, File: snapshot(t, 400, 300, 6)})
		m, err := db.Photo(ctx, k.officer, o.ID)
		if err != nil || m.Type != "image/jpeg" || m.Width != 300 || m.Height != 400 || bytes.Contains(m.Data, []byte(secret)) {
			t.Fatalf("photo %s %s, %d×%d, %v", m.Name, m.Type, m.Width, m.Height, err)
		}
		if _, err := db.Photo(ctx, k.head, o.ID); KindOf(err) != NotFound {
			t.Errorf("somebody else sees the photo: %v", err)
		}
		if _, err := db.Image(ctx, o.Picture); KindOf(err) != NotFound {
			t.Errorf("the photo is given out as a poster: %v", err)
		}
		poster := PieceVersion{Kind: KindPoster, Title: "照片", Image: o.Picture, Alt: "照片"}
		if _, err := db.AddPiece(ctx, k.officer, poster); KindOf(err) != NotFound {
			t.Errorf("the photo becomes a poster: %v", err)
		}
		k.registered(t, "有（订单 讲2026-0001）")
		// nothing is lost by files that are refused
		for name, file := range hostile(t) {
			if name == "exif that lies" {
				continue
			}
			if _, err := db.ActOrder(ctx, k.officer, o.No, OrderAction{Verb: "补照片", File: file}); KindOf(err) != Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := db.ActOrder(ctx, k.head, o.No, OrderAction{Verb: "补照片", File: snapshot(t, 40, 30, 1)}); KindOf(err) != NotFound {
			t.Errorf("somebody else keeps a photo: %v", err)
		}
		if _, err := db.ActOrder(ctx, k.officer, o.No, OrderAction{Verb: "补照片"}); KindOf(err) != Invalid {
			t.Errorf("no photo at all: %v", err)
		}
		if again, err := db.Photo(ctx, k.lecturer, o.ID); err != nil || !bytes.Equal(again.Data, m.Data) {
			t.Errorf("the photo after refusals: %v", err)
		}
		k.checkCopies(t, o.ID)
		o = k.act(t, k.officer, o.No, OrderAction{Verb: "补照片", File: snapshot(t, 200, 100, 1)})
		if k.pictures(t) != 1 || o.State != Done {
			t.Errorf("replaced: %d pictures, %s", k.pictures(t), o.State)
		}
		o = k.act(t, Person{Account: "web/user/村长"}, o.No, OrderAction{Verb: "评讲座", Score: 5})
		if _, err := db.ActOrder(ctx, k.officer, o.No, OrderAction{Verb: "删照片"}); KindOf(err) != Invalid {
			t.Errorf("taken away without a reason: %v", err)
		}
		if o = k.act(t, k.officer, o.No, OrderAction{Verb: "删照片", Note: "本人要求"}); o.Picture != "" || k.pictures(t) != 0 || o.State != RatedOrder {
			t.Errorf("taken away: %+v", o)
		}
		k.registered(t, "")
		k.act(t, k.officer, o.No, OrderAction{Verb: "补照片", File: snapshot(t, 200, 100, 1)})
		k.eraseOrderer(t, o.ID)
	})
}

// eraseOrderer erases what is held of who ordered, first as a trial.
func (k *school) eraseOrderer(t *testing.T, id int64) {
	t.Helper()
	ctx := t.Context()
	for _, dry := range []bool{true, false} {
		e, err := k.db.Erase(ctx, "test", "web/user/村长", Keep{}, dry)
		if err != nil || e.Erased["讲座订单"] != 1 {
			t.Fatalf("dry %v: %+v, %v", dry, e, err)
		}
		if want := map[bool]int{true: 1, false: 0}[dry]; k.pictures(t) != want {
			t.Errorf("dry %v: %d pictures, want %d", dry, k.pictures(t), want)
		}
	}
	if _, err := k.db.Photo(ctx, k.officer, id); KindOf(err) != NotFound {
		t.Errorf("after the erasure: %v", err)
	}
	k.registered(t, "")
	if _, err := k.db.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
}

func (k *school) pictures(t *testing.T) (n int) {
	t.Helper()
	if err := k.db.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM item_images`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// registered wants the one activity to say this of its photo.
func (k *school) registered(t *testing.T, want string) {
	t.Helper()
	list, err := k.db.Activities(t.Context(), k.db.now().AddDate(0, -1, 0), k.db.now())
	if err != nil || len(list) != 1 || list[0].Photo != want || list[0].Heads != 38 {
		t.Errorf("register %+v, %v, want the photo %q", list, err, want)
	}
}

// checkCopies looks for the photo in a restored backup.
func (k *school) checkCopies(t *testing.T, id int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "copy")
	if err := k.db.Backup(t.Context(), file, nil); err != nil {
		t.Fatal(err)
	}
	m, err := restored(t, k.db, file).Photo(t.Context(), k.officer, id)
	if err != nil || m.Width != 300 || !strings.HasPrefix(m.Name, fmt.Sprint(photoPrefix, id)) {
		t.Errorf("the photo of the copy: %s, %d wide, %v", m.Name, m.Width, err)
	}
}

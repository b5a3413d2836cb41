package office

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
)

// Image is a picture that is kept: of a poster, or of a lecture that was held.
type Image struct {
	Name          string // of a poster: SHA-256 of Data in hex; .png or .jpg at the end
	Type          string // image/png or image/jpeg
	Width, Height int
	Data          []byte
}

// pictureRule says what is taken as a picture and how it is kept.
type pictureRule struct {
	bytes int    // of a file that is taken
	side  int    // longest side of what is kept, in pixels; larger ones are made smaller
	keep  int    // bytes of what is kept
	jpeg  bool   // kept as JPEG whatever it was
	large string // said of files with more bytes
}

// A poster is shown as it was drawn; what a phone on a village network loads
// bounds it. A phone's photo has up to 8 MB; 1,600 pixels show every face in a
// room and the names on a list.
var (
	posterRule = pictureRule{bytes: 2 << 20, side: maxPictureSide, keep: 2 << 20, large: "图片最大 2 MB，请压缩后再传。"}
	photoRule  = pictureRule{bytes: MaxPhoto, side: 1600, keep: 1 << 20, jpeg: true, large: "照片最大 8 MB，请压缩后再传。"}
)

// MaxPhoto bounds the file of a photo that is taken, in bytes.
const MaxPhoto = 8 << 20

// Bounds of a picture that is unpacked, in pixels. 25 million are what phones
// take at most by themselves; unpacked they need up to 300 MB if the file is made
// to need much, so one is unpacked at a time.
const (
	maxPictureSide = 6000
	maxPixels      = 25_000_000
)

var unpacking = make(chan struct{}, 1)

// takePicture unpacks a PNG or JPEG and packs it again, so that what is kept is
// the picture and nothing else: not where and with what it was taken, no words
// put into the file, nothing behind its end. A photo taken with the phone held
// upright stays upright. Invalid if the file is no such picture or too large.
func takePicture(ctx context.Context, file []byte, rule pictureRule) (Image, error) {
	if len(file) > rule.bytes {
		return Image{}, invalid("%s", rule.large)
	}
	kind := http.DetectContentType(file)
	config, unpack := png.DecodeConfig, png.Decode
	switch kind {
	case "image/png":
	case "image/jpeg":
		config, unpack = jpeg.DecodeConfig, jpeg.Decode
	default:
		return Image{}, invalid("只收 JPG（JPEG）或 PNG 图片。手机里的 HEIC 照片请先转成 JPG，或者截一张图再传。")
	}
	c, err := config(bytes.NewReader(file))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return Image{}, &Error{Kind: Invalid, Msg: "这张图片打不开，文件可能不完整。请重新拍或重新导出一张再传。", Err: err}
	}
	if c.Width > maxPictureSide || c.Height > maxPictureSide || c.Width*c.Height > maxPixels {
		return Image{}, invalid("图片太大（%d×%d）：每边最多 %d 像素，一共最多 %d 万像素。请缩小后再传。", c.Width, c.Height, maxPictureSide, maxPixels/10000)
	}
	select {
	case unpacking <- struct{}{}:
		defer func() { <-unpacking }()
	case <-ctx.Done():
		return Image{}, ctx.Err()
	}
	src, err := unpack(bytes.NewReader(file))
	if err != nil {
		return Image{}, &Error{Kind: Invalid, Msg: "这张图片打不开，文件可能不完整。请重新拍或重新导出一张再传。", Err: err}
	}
	return packPicture(upright(src, orientation(file), rule.side), kind, rule)
}

// packPicture writes a picture in as many bytes as the rule has room for.
func packPicture(src image.Image, kind string, rule pictureRule) (Image, error) {
	m := Image{Type: kind, Width: src.Bounds().Dx(), Height: src.Bounds().Dy()}
	var b bytes.Buffer
	if kind == "image/png" && !rule.jpeg {
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, src); err != nil {
			return m, fmt.Errorf("pack picture: %w", err)
		}
	} else {
		m.Type = "image/jpeg"
		for _, quality := range []int{88, 75, 60} {
			b.Reset()
			if err := jpeg.Encode(&b, opaque{src}, &jpeg.Options{Quality: quality}); err != nil {
				return m, fmt.Errorf("pack picture: %w", err)
			}
			if b.Len() <= rule.keep {
				break
			}
		}
	}
	if b.Len() > rule.keep {
		return m, invalid("%s", rule.large)
	}
	m.Data = b.Bytes()
	sum := sha256.Sum256(m.Data)
	m.Name = hex.EncodeToString(sum[:]) + map[string]string{"image/png": ".png", "image/jpeg": ".jpg"}[m.Type]
	return m, nil
}

// opaque is a picture on white paper.
type opaque struct{ image.Image }

func (o opaque) ColorModel() color.Model { return color.RGBAModel }

func (o opaque) At(x, y int) color.Color {
	r, g, b, a := o.Image.At(x, y).RGBA()
	white := 0xffff - a
	return color.RGBA{uint8((r + white) >> 8), uint8((g + white) >> 8), uint8((b + white) >> 8), 0xff}
}

// orientation is how a phone was held: 1 to 8 as EXIF numbers it, 1 if the file
// does not say.
func orientation(file []byte) int {
	for b := file[min(2, len(file)):]; len(b) >= 4 && b[0] == 0xff && b[1] != 0xda; {
		size := int(b[2])<<8 | int(b[3])
		if size < 2 || len(b) < 2+size {
			break
		}
		if part := b[4 : 2+size]; b[1] == 0xe1 && bytes.HasPrefix(part, []byte("Exif\x00\x00")) {
			return exifOrientation(part[6:])
		}
		b = b[2+size:]
	}
	return 1
}

// exifOrientation reads the tag 0x0112 of the first directory.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	number := func(at, n int) int { // big-endian
		v := 0
		for i := range n {
			v = v<<8 | int(tiff[at+i])
		}
		return v
	}
	if tiff[0] == 'I' {
		number = func(at, n int) int {
			v := 0
			for i := range n {
				v |= int(tiff[at+i]) << (8 * i)
			}
			return v
		}
	}
	at := number(4, 4)
	if at < 8 || at > len(tiff)-2 {
		return 1
	}
	for i, n := at+2, number(at, 2); n > 0 && i+12 <= len(tiff); i, n = i+12, n-1 {
		if number(i, 2) == 0x0112 {
			if o := number(i+8, 2); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
	}
	return 1
}

// upright turns a picture as its orientation says and makes it smaller until its
// longest side fits. It gives the picture itself if nothing is to be done.
func upright(src image.Image, orientation, side int) image.Image {
	in := src.Bounds()
	w, h := in.Dx(), in.Dy()
	from, readable := src.(image.RGBA64Image)
	if orientation == 1 && max(w, h) <= side || !readable {
		return src
	}
	if orientation >= 5 {
		w, h = h, w
	}
	longest := max(w, h)
	dw, dh := w, h
	if longest > side {
		dw, dh = max(1, w*side/longest), max(1, h*side/longest)
	}
	out := image.NewNRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		y0, y1 := y*h/dh, max((y+1)*h/dh, y*h/dh+1)
		for x := range dw {
			x0, x1 := x*w/dw, max((x+1)*w/dw, x*w/dw+1)
			out.SetRGBA64(x, y, mean(from, turned(image.Rect(x0, y0, x1, y1), orientation, w, h).Add(in.Min)))
		}
	}
	return out
}

// turned gives where a part of the upright picture, which is w by h, stands in
// the one that was taken.
func turned(r image.Rectangle, orientation, w, h int) image.Rectangle {
	if orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7 {
		r.Min.X, r.Max.X = w-r.Max.X, w-r.Min.X
	}
	if orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8 {
		r.Min.Y, r.Max.Y = h-r.Max.Y, h-r.Min.Y
	}
	if orientation >= 5 {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	return r
}

// mean is the colour of a part of a picture.
func mean(src image.RGBA64Image, part image.Rectangle) color.RGBA64 {
	var r, g, b, a, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			c := src.RGBA64At(x, y)
			r, g, b, a, n = r+uint64(c.R), g+uint64(c.G), b+uint64(c.B), a+uint64(c.A), n+1
		}
	}
	return color.RGBA64{uint16(r / n), uint16(g / n), uint16(b / n), uint16(a / n)}
}

// AddImage keeps a poster's picture: PNG or JPEG, up to 2 MiB and 6,000 pixels a
// side, without what the file says besides the picture.
func (db *DB) AddImage(ctx context.Context, by Person, file []byte) (Image, error) {
	if !by.MayPublish() {
		return Image{}, forbidden("图片由普法干部和管理员上传。")
	}
	m, err := takePicture(ctx, file, posterRule)
	if err != nil {
		return Image{}, err
	}
	return m, db.update(ctx, func(tx *sql.Tx) error {
		if err := putImage(ctx, tx, m); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(by), "add image", "image "+m.Name[:12], "")
	})
}

func putImage(ctx context.Context, tx *sql.Tx, m Image) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO item_images (sum, type, width, height, data) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sum) DO NOTHING`,
		m.Name, m.Type, m.Width, m.Height, base64.StdEncoding.EncodeToString(m.Data)); err != nil {
		return fmt.Errorf("add image: %w", err)
	}
	return nil
}

// Image reads a poster's picture.
func (db *DB) Image(ctx context.Context, name string) (Image, error) {
	if strings.HasPrefix(name, photoPrefix) { // those are for Photo, which asks who may see them
		return Image{}, errNoImage
	}
	return readImage(ctx, db.read, name)
}

var errNoImage = &Error{Kind: NotFound, Msg: "没有这张图片。"}

func readImage(ctx context.Context, q querier, name string) (Image, error) {
	m := Image{Name: name}
	var data string
	err := q.QueryRowContext(ctx, `SELECT type, width, height, data FROM item_images WHERE sum = $1`, name).Scan(&m.Type, &m.Width, &m.Height, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return m, errNoImage
	}
	if err != nil {
		return m, fmt.Errorf("image: %w", err)
	}
	if m.Data, err = base64.StdEncoding.DecodeString(data); err != nil {
		return m, fmt.Errorf("image: %w", err)
	}
	return m, nil
}

package office

import (
	"context"
	"database/sql"
	"fmt"
	"path"
)

// photoPrefix begins the names of lectures' photos among the pictures.
const photoPrefix = "lecture-"

// takePhoto makes what is to be kept of the photo that comes with a step, if one
// does. Whether the step may be taken is asked first, so that nobody has pictures
// unpacked who may not keep them; actOrder asks again.
func (db *DB) takePhoto(ctx context.Context, by Person, no string, a OrderAction) (Image, error) {
	if len(a.File) == 0 {
		return Image{}, nil
	}
	o, err := db.findOrder(ctx, db.read, by, no)
	if err != nil {
		return Image{}, err
	}
	m, err := orderMove(a.Verb, o.State, o.Hats)
	if err != nil {
		return Image{}, err
	}
	if m.Verb != "complete" && m.Verb != "photo" {
		return Image{}, invalid("“%s”不用照片。", m.Name)
	}
	picture, err := takePicture(ctx, a.File, photoRule)
	picture.Name = fmt.Sprintf("%s%d-%s%s", photoPrefix, o.ID, randomCode(8), path.Ext(picture.Name))
	return picture, err
}

// putPhoto keeps the photo of an order in place of the one before, or takes it
// away; the register of activities says whether there is one.
func putPhoto(ctx context.Context, tx *sql.Tx, o *Order, m OrderMove, picture Image) error {
	if picture.Data == nil && m.Verb != "unphoto" {
		return nil
	}
	if o.Picture != "" {
		if _, err := tx.ExecContext(ctx, `DELETE FROM item_images WHERE sum = $1`, o.Picture); err != nil {
			return fmt.Errorf("photo: %w", err)
		}
	}
	if m.Verb != "complete" {
		o.Photo = ""
	}
	o.Picture = ""
	said := ""
	if picture.Data != nil {
		if err := putImage(ctx, tx, picture); err != nil {
			return err
		}
		o.Picture, said = picture.Name, "有（订单 "+o.No+"）"
	}
	if _, err := tx.ExecContext(ctx, `UPDATE activities SET photo = $1 WHERE order_id = $2`, said, o.ID); err != nil {
		return fmt.Errorf("photo: %w", err)
	}
	return nil
}

// Photo reads the photo of an order for a person who has to do with it. NotFound
// also if there is none.
func (db *DB) Photo(ctx context.Context, p Person, id int64) (Image, error) {
	o, err := db.OrderByID(ctx, p, id)
	if err != nil {
		return Image{}, err
	}
	if o.Picture == "" {
		return Image{}, errNoImage
	}
	return readImage(ctx, db.read, o.Picture)
}

package qqtest

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// file is an uploaded file; its file_info is good for one scene and for a time.
type file struct {
	scene   string
	expires time.Time
}

// upload is a file that comes in parts.
type upload struct {
	scene string
	size  int64
	block int64
	parts map[int]string // index → MD5 of what came
}

const (
	maxFiles   = 1000
	maxUploads = 100
	blockSize  = 10 << 20
	maxSize    = 200 << 20 // of any file
)

// kinds are the file types with their formats and soft sizes (rich media page).
var kinds = map[int]struct {
	formats []string
	size    int64
}{
	1: {[]string{".png", ".jpg", ".jpeg", ".gif"}, 20 << 20},
	2: {[]string{".mp4"}, 30 << 20},
	3: {[]string{".silk", ".wav", ".mp3"}, 20 << 20},
	4: {nil, maxSize},
}

func (c *call) uploadC2C() reply   { return c.upload(sceneC2C) }
func (c *call) uploadGroup() reply { return c.upload(sceneGroup) }

// upload answers POST …/files. A URL is believed, never fetched.
func (c *call) upload(scene string) reply {
	var in struct {
		Type     int    `json:"file_type"`
		URL      string `json:"url"`
		UploadID string `json:"upload_id"`
		Data     string `json:"file_data"`
		Name     string `json:"file_name"`
		Send     bool   `json:"srv_send_msg"`
	}
	if !c.decode(&in) {
		return refuse(codeParam)
	}
	c.entry.Request = nil // files are large
	k, known := kinds[in.Type]
	if !known {
		return refuse(codeFileFormat)
	}
	name := in.Name
	if name == "" {
		name, _, _ = strings.Cut(in.URL, "?")
	}
	if ext := strings.ToLower(path.Ext(name)); k.formats != nil && ext != "" && !slices.Contains(k.formats, ext) {
		return refuse(codeFileFormat)
	}
	switch {
	case in.Data != "":
		raw, err := base64.StdEncoding.DecodeString(in.Data)
		if err != nil {
			return refuse(codeFileFormat)
		}
		if int64(len(raw)) > k.size {
			return refuse(codeFileSize)
		}
	case in.UploadID != "":
		u := c.bot.uploads[in.UploadID]
		if u == nil || u.scene != scene || int64(len(u.parts)) != u.count() {
			return refuse(codeFileInfo)
		}
		if u.size > k.size {
			return refuse(codeFileSize)
		}
		delete(c.bot.uploads, in.UploadID)
	case in.URL == "":
		return refuse(codeParam)
	}
	return c.keepFile(scene)
}

func (c *call) keepFile(scene string) reply {
	now, id := c.p.now(), c.p.nextID("file")
	for k, f := range c.bot.files {
		if now.After(f.expires) || len(c.bot.files) >= maxFiles {
			delete(c.bot.files, k)
		}
	}
	info := base64.StdEncoding.EncodeToString([]byte(id))
	c.bot.files[info] = &file{scene: scene, expires: now.Add(c.p.rules.FileTTL)}
	return ok(object{"file_uuid": id, "file_info": info, "ttl": int(c.p.rules.FileTTL / time.Second)})
}

// useFile checks a file_info for a scene.
func (c *call) useFile(info, scene string) int {
	f := c.bot.files[info]
	if f == nil || f.scene != scene || c.p.now().After(f.expires) {
		return codeFileInfo
	}
	return 0
}

func (u *upload) count() int64 { return (u.size + u.block - 1) / u.block }

// scene of an upload path.
func (c *call) scene() string {
	if c.vars["group"] != "" {
		return sceneGroup
	}
	return sceneC2C
}

// prepareUpload answers POST …/upload_prepare; sizes are strings.
func (c *call) prepareUpload() reply {
	var in struct {
		Type int    `json:"file_type"`
		Name string `json:"file_name"`
		Size string `json:"file_size"`
		MD5  string `json:"md5"`
	}
	if !c.decode(&in) || in.Name == "" || in.MD5 == "" {
		return refuse(codeParam)
	}
	size, err := strconv.ParseInt(in.Size, 10, 64)
	if err != nil || size <= 0 {
		return refuse(codeParam)
	}
	if size > maxSize {
		return refuse(codeFileSize)
	}
	if len(c.bot.uploads) >= maxUploads {
		clear(c.bot.uploads)
	}
	u := &upload{scene: c.scene(), size: size, block: blockSize, parts: map[int]string{}}
	id := c.p.nextID("upload")
	c.bot.uploads[id] = u
	parts := []object{}
	for i := range u.count() {
		parts = append(parts, object{"index": i + 1, "presigned_url": fmt.Sprintf("%s/_cos/%s-%s-%d", c.p.apiURL, c.bot.appID, id, i+1)})
	}
	return ok(object{"upload_id": id, "block_size": strconv.Itoa(blockSize), "parts": parts})
}

// putPart answers the PUT to a presigned URL, which carries no Authorization.
func (c *call) putPart() reply {
	c.entry.Request = nil
	u, index := c.part()
	if u == nil {
		return reply{status: 404, code: codeNotFound}
	}
	sum := md5.Sum(c.body)
	u.parts[index] = hex.EncodeToString(sum[:])
	return reply{status: 200}
}

// part finds what a presigned URL names.
func (c *call) part() (*upload, int) {
	f := strings.Split(c.vars["part"], "-")
	if len(f) != 3 || c.p.bots[f[0]] == nil {
		return nil, 0
	}
	u := c.p.bots[f[0]].uploads[f[1]]
	index, err := strconv.Atoi(f[2])
	if u == nil || err != nil || index < 1 || int64(index) > u.count() {
		return nil, 0
	}
	return u, index
}

// finishPart answers POST …/upload_part_finish.
func (c *call) finishPart() reply {
	var in struct {
		ID    string `json:"upload_id"`
		Index int    `json:"part_index"`
		MD5   string `json:"md5"`
	}
	if !c.decode(&in) {
		return refuse(codeParam)
	}
	u := c.bot.uploads[in.ID]
	if u == nil || u.scene != c.scene() || u.parts[in.Index] == "" || u.parts[in.Index] != strings.ToLower(in.MD5) {
		return refuse(codeFileInfo)
	}
	return reply{status: 200, body: object{}}
}

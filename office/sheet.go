package office

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Bounds of a table that is read, so that a hostile file costs little.
const (
	maxSheet    = 8 << 20  // bytes of the file
	maxUnzipped = 64 << 20 // bytes of an XLSX once unpacked
	maxRows     = 20000
	maxCell     = 2000 // runes
)

// ReadTable reads the rows of a CSV file in UTF-8 (with or without byte order
// mark) or of the first sheet of an XLSX file. Invalid says what is wrong.
func ReadTable(r io.Reader) ([][]string, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxSheet+1))
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if len(body) > maxSheet {
		return nil, invalid("表格超过 %d MB。", maxSheet>>20)
	}
	rows, err := readRows(body)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxRows {
		return nil, invalid("表格超过 %d 行，请分几次导入。", maxRows)
	}
	for i, row := range rows {
		for _, cell := range row {
			if utf8.RuneCountInString(cell) > maxCell {
				return nil, invalid("第 %d 行有一格超过 %d 个字。", i+1, maxCell)
			}
		}
	}
	return rows, nil
}

func readRows(body []byte) ([][]string, error) {
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
		if !utf8.Valid(body) {
			return nil, invalid("文件不是 UTF-8 编码：在表格软件里另存为“CSV UTF-8”或 XLSX。")
		}
		c := csv.NewReader(bytes.NewReader(body))
		c.FieldsPerRecord = -1
		rows, err := c.ReadAll()
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, invalid("CSV 第 %d 行写得不对：引号没有成对。", bad.Line)
		}
		return rows, err
	}
	f, err := excelize.OpenReader(bytes.NewReader(body), excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped})
	if err != nil {
		return nil, &Error{Kind: Invalid, Msg: "XLSX 文件打不开：可能已损坏、加了密码，或者太大。", Err: err}
	}
	defer f.Close()
	names := f.GetSheetList()
	if len(names) == 0 {
		return nil, invalid("XLSX 里没有工作表。")
	}
	rows, err := f.GetRows(names[0])
	if err != nil {
		return nil, &Error{Kind: Invalid, Msg: "XLSX 的第一张工作表读不出来。", Err: err}
	}
	return rows, nil
}

// WriteCSV writes rows as UTF-8 CSV with a byte order mark, which spreadsheets
// need to read Chinese, with every cell made harmless.
func WriteCSV(w io.Writer, rows [][]string) error {
	if _, err := io.WriteString(w, "\xef\xbb\xbf"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true // RFC 4180
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = SafeCell(cell)
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// WriteXLSX writes rows as one sheet of text cells; none is a formula.
func WriteXLSX(w io.Writer, rows [][]string) error {
	f := excelize.NewFile()
	defer f.Close()
	s, err := f.NewStreamWriter(f.GetSheetName(0))
	if err != nil {
		return err
	}
	for i, row := range rows {
		cells := make([]any, len(row))
		for j, cell := range row {
			cells[j] = SafeCell(cell)
		}
		if err := s.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// SafeCell puts an apostrophe before what a spreadsheet would run as a formula,
// also in full width, and takes control characters out.
func SafeCell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// plainCell takes back the apostrophe of SafeCell, so that what was exported can
// be imported.
func plainCell(s string) string {
	if t, ok := strings.CutPrefix(s, "'"); ok && SafeCell(t) == s {
		return t
	}
	return s
}

// RowError says what is wrong with one row of a table.
type RowError struct {
	Row int    `json:"row"` // as a spreadsheet counts, from 1 with the heading
	Msg string `json:"msg"`
}

// Import is what became of a table. Nothing is kept if a row is wrong.
type Import struct {
	Rows   int        `json:"rows"`
	Kept   int        `json:"kept"`
	Same   int        `json:"same"` // of these, were there before
	DryRun bool       `json:"dry_run"`
	Errors []RowError `json:"errors"`
}

// Headings of the tables of people and organisations.
var (
	peopleHeading = []string{"姓名", "角色", "机构", "电话", "专长", "语言", "回避", "邮箱"}
	orgHeading    = []string{"上级", "类别", "名称", "简称"}
)

var errDryRun = errors.New("dry run")

// importRows hands each row, as a map by heading, to add, all in one transaction
// that is given up if a row is wrong or if it is a dry run.
func (db *DB) importRows(ctx context.Context, rows [][]string, heading []string, dry bool, add func(tx *sql.Tx, row map[string]string) error) (Import, error) {
	rep := Import{DryRun: dry}
	if len(rows) == 0 {
		return rep, invalid("表格是空的。第一行要写：%s。", strings.Join(heading, "、"))
	}
	for _, h := range heading[:3] {
		if !slices.ContainsFunc(rows[0], func(c string) bool { return strings.TrimSpace(c) == h }) {
			return rep, invalid("第一行缺少“%s”这一列。要写：%s。", h, strings.Join(heading, "、"))
		}
	}
	err := db.update(ctx, func(tx *sql.Tx) error {
		for i, cells := range rows[1:] {
			row := map[string]string{}
			for j, c := range cells {
				if j < len(rows[0]) {
					row[strings.TrimSpace(rows[0][j])] = plainCell(strings.TrimSpace(c))
				}
			}
			if strings.Join(cells, "") == "" {
				continue
			}
			rep.Rows++
			err := add(tx, row)
			var e *Error
			if errors.As(err, &e) && e.Kind != Internal {
				rep.Errors = append(rep.Errors, RowError{Row: i + 2, Msg: e.Msg})
			} else if err != nil {
				return err
			}
		}
		if dry || len(rep.Errors) > 0 {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return rep, nil
	}
	rep.Kept = rep.Rows
	return rep, err
}

// ImportOrgs adds the organisations of a table; a parent stands above its
// children. 上级 is empty for the county.
func (db *DB) ImportOrgs(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importOrgs(ctx, by, rows, dry, func(*sql.Tx, Org) error { return nil })
}

func (db *DB) importOrgs(ctx context.Context, by string, rows [][]string, dry bool, may func(*sql.Tx, Org) error) (Import, error) {
	return db.importRows(ctx, rows, orgHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		o := Org{Kind: row["类别"], Name: row["名称"], Short: row["简称"]}
		if row["上级"] != "" {
			above, err := orgNamed(ctx, tx, row["上级"])
			if err != nil {
				return err
			}
			o.Parent = above.ID
		}
		if err := may(tx, o); err != nil {
			return err
		}
		_, err := db.addOrg(ctx, tx, by, o)
		return err
	})
}

// ImportPeople adds the people of a table, one post a row.
func (db *DB) ImportPeople(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importPeople(ctx, by, rows, dry, func(*sql.Tx, Org) error { return nil })
}

func (db *DB) importPeople(ctx context.Context, by string, rows [][]string, dry bool, may func(*sql.Tx, Org) error) (Import, error) {
	return db.importRows(ctx, rows, peopleHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		role, err := ParseRole(row["角色"])
		if err != nil {
			return err
		}
		o, err := orgNamed(ctx, tx, row["机构"])
		if err != nil {
			return err
		}
		if err := may(tx, o); err != nil {
			return err
		}
		list := func(s string) []string {
			return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("、;；,，", r) })
		}
		_, err = db.addPerson(ctx, tx, by, Person{Name: row["姓名"], Phone: row["电话"], Posts: []Post{{Role: role, Org: o}},
			Fields: list(row["专长"]), Languages: list(row["语言"]), Conflicts: list(row["回避"]), Email: row["邮箱"]})
		return err
	})
}

// PeopleTable gives people as ImportPeople reads them.
func PeopleTable(list []Person, orgs []Org) [][]string {
	rows := [][]string{peopleHeading}
	for _, p := range list {
		for _, q := range p.Posts {
			rows = append(rows, []string{p.Name, q.Name, fullName(q.Org, orgs), p.Phone, strings.Join(p.Fields, "、"), strings.Join(p.Languages, "、"), strings.Join(p.Conflicts, "、"), p.Email})
		}
	}
	return rows
}

// OrgTable gives organisations as ImportOrgs reads them.
func OrgTable(orgs []Org) [][]string {
	rows := [][]string{orgHeading}
	for _, o := range orgs {
		above := ""
		for _, p := range orgs {
			if p.ID == o.Parent {
				above = fullName(p, orgs)
			}
		}
		rows = append(rows, []string{above, o.Kind, o.Name, o.Short})
	}
	return rows
}

// fullName names an organisation from the root down, so that it is one only.
func fullName(o Org, orgs []Org) string {
	for _, p := range orgs {
		if p.ID == o.Parent {
			return fullName(p, orgs) + "/" + o.Name
		}
	}
	return o.Name
}

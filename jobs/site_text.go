package jobs

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// HTML renders the Markdown subset of articles: headings, paragraphs, lists,
// quotes, bold, italics, rules, and links over https to one of the hosts. What is
// outside the subset stays as the words it was written in: markup is shown as
// text, a link to elsewhere loses its address, a picture becomes its description.
// Headings begin below the page's own and never skip a level.
func HTML(markdown string, hosts []string) (template.HTML, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.NewCJK(extension.WithEastAsianLineBreaks())),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(subset{hosts}, 100))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(literal{}, 100))),
	)
	var b bytes.Buffer
	// The extension for CJK panics at a line that does not end in a whole character.
	if err := md.Convert([]byte(strings.ToValidUTF8(markdown, "")), &b); err != nil {
		return "", fmt.Errorf("render markdown: %w", err)
	}
	return template.HTML(sanitiser.Sanitize(b.String())), nil //nolint:gosec // that is what the sanitiser is for
}

// sanitiser is the second fence: it lets through the subset's elements and no
// attribute but an https address.
var sanitiser = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h2", "h3", "h4", "ul", "li", "strong", "em", "blockquote", "br", "hr", "code", "pre")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	p.AllowElements("ol")
	p.AllowURLSchemes("https")
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	p.RequireNoReferrerOnLinks(true)
	return p
}()

// allowed says whether a link may lead there.
func allowed(address string, hosts []string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil &&
		slices.ContainsFunc(hosts, func(h string) bool { return h != "" && strings.EqualFold(h, u.Host) })
}

// subset cuts a document down to what articles may contain.
type subset struct{ hosts []string }

// Transform is called by the parser.
func (t subset) Transform(doc *ast.Document, r text.Reader, _ parser.Context) {
	source := r.Source()
	var links, pictures []ast.Node
	last := 1 // the page's own heading
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = max(2, min(n.Level+1, last+1, 4))
			last = n.Level
		case *ast.Link:
			if !allowed(string(n.Destination), t.hosts) {
				links = append(links, n)
			}
			n.Title = nil
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkEmail || !allowed(string(n.URL(source)), t.hosts) {
				links = append(links, n)
			}
		case *ast.Image:
			pictures = append(pictures, n)
		}
		return ast.WalkContinue, nil
	}) // the walker returns no error
	for _, n := range slices.Concat(pictures, links) {
		unwrap(n, source)
	}
}

// unwrap puts what is inside a node in its place.
func unwrap(n ast.Node, source []byte) {
	parent := n.Parent()
	if a, ok := n.(*ast.AutoLink); ok {
		parent.ReplaceChild(parent, n, ast.NewString(a.Label(source)))
		return
	}
	for c := n.FirstChild(); c != nil; c = n.FirstChild() {
		parent.InsertBefore(parent, n, c)
	}
	parent.RemoveChild(parent, n)
}

// literal shows markup as the characters it was typed in.
type literal struct{}

// RegisterFuncs is called by the renderer.
func (l literal) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHTMLBlock, l.block)
	r.Register(ast.KindRawHTML, l.inline)
	r.Register(ast.KindString, l.text)
}

func (literal) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		b := n.(*ast.HTMLBlock)
		words := string(b.Lines().Value(source))
		if b.HasClosure() {
			words += string(b.ClosureLine.Value(source))
		}
		_, _ = w.WriteString("<p>" + html.EscapeString(strings.TrimSpace(words)) + "</p>\n") // a buffer
	}
	return ast.WalkSkipChildren, nil
}

func (literal) inline(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(html.EscapeString(string(n.(*ast.RawHTML).Segments.Value(source)))) // a buffer
	}
	return ast.WalkSkipChildren, nil
}

func (literal) text(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(html.EscapeString(string(n.(*ast.String).Value))) // a buffer
	}
	return ast.WalkContinue, nil
}

// PlainText gives an article's Markdown as text without marks: for those who
// read with a screen reader or an old phone, and for channels without formatting.
func PlainText(markdown string, hosts []string) string {
	source := []byte(strings.ToValidUTF8(markdown, ""))
	doc := goldmark.New(goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(subset{hosts}, 100)))).Parser().Parse(text.NewReader(source))
	var b strings.Builder
	writeBlocks(&b, doc, source, "")
	return strings.TrimSpace(blankLines.ReplaceAllString(b.String(), "\n\n")) + "\n"
}

var blankLines = regexp.MustCompile(`\n\s*\n\s*`)

// writeBlocks writes the blocks below n, each line after the first of a list
// item under its text.
func writeBlocks(b *strings.Builder, n ast.Node, source []byte, indent string) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Heading:
			b.WriteString(indent + "【" + inlineText(c, source) + "】\n\n")
		case *ast.List:
			number := c.Start
			for item := c.FirstChild(); item != nil; item = item.NextSibling() {
				mark := "· "
				if c.IsOrdered() {
					mark = strconv.Itoa(number) + ". "
					number++
				}
				var in strings.Builder
				writeBlocks(&in, item, source, "")
				words := strings.TrimSpace(blankLines.ReplaceAllString(in.String(), "\n"))
				b.WriteString(indent + mark + strings.ReplaceAll(words, "\n", "\n"+indent+"  ") + "\n")
			}
			b.WriteString("\n")
		case *ast.Blockquote:
			writeBlocks(b, c, source, indent+"  ")
		case *ast.ThematicBreak:
			b.WriteString(indent + "——\n\n")
		case *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
			b.WriteString(indent + strings.TrimSpace(string(c.Lines().Value(source))) + "\n\n")
		default:
			b.WriteString(indent + inlineText(c, source) + "\n\n")
		}
	}
}

// inlineText is the text of a paragraph; an address stands after its words.
func inlineText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(util.UnescapePunctuations(n.Segment.Value(source)))
				if n.HardLineBreak() {
					b.WriteString("\n")
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.RawHTML:
			if entering {
				b.Write(n.Segments.Value(source))
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.URL(source))
			}
		case *ast.Link:
			if !entering {
				b.WriteString("（" + string(n.Destination) + "）")
			}
		}
		return ast.WalkContinue, nil
	}) // the walker returns no error
	return html.UnescapeString(b.String())
}

// Command peers runs the same questions over the same articles through bleve
// with its cjk analyser, and prints the figures that `mingbai eval retrieval`
// prints, for comparison. It is a module of its own, so that bleve stays out of
// the program's dependencies.
//
//	go run . -laws ARTICLES.jsonl.gz -queries QUESTIONS.jsonl
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	_ "github.com/blevesearch/bleve/v2/analysis/lang/cjk"

	"mingbai/knowledge"
)

func main() {
	laws := flag.String("laws", "", "JSONL of articles, plain or gzip")
	queries := flag.String("queries", "", "JSONL of questions with gold")
	flag.Parse()
	if err := run(*laws, *queries); err != nil {
		log.Fatal(err)
	}
}

func run(laws, queries string) error {
	docs, err := knowledge.ReadArticles(laws)
	if err != nil {
		return err
	}
	questions, err := knowledge.ReadQueries(queries, true)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	index, err := build(filepath.Join(dir, "index"), docs)
	if err != nil {
		return err
	}
	defer index.Close()
	fmt.Printf("queries: %d\narticles: %d\nbuild_seconds: %.2f\n", len(questions), len(docs), time.Since(start).Seconds())
	return ask(index, questions)
}

// build indexes text and chapter with the cjk analyser (pairs of characters).
func build(path string, docs []*knowledge.Document) (bleve.Index, error) {
	mapping := bleve.NewIndexMapping()
	mapping.DefaultAnalyzer = "cjk"
	field := bleve.NewTextFieldMapping()
	field.Store, field.IncludeTermVectors, field.IncludeInAll = false, false, false
	article := bleve.NewDocumentMapping()
	article.AddFieldMappingsAt("text", field)
	article.AddFieldMappingsAt("chapter", field)
	mapping.DefaultMapping = article
	index, err := bleve.New(path, mapping)
	if err != nil {
		return nil, err
	}
	batch := index.NewBatch()
	for i, d := range docs {
		if err := batch.Index(d.ID, map[string]string{"text": d.Article.Text, "chapter": d.Article.Chapter}); err != nil {
			return nil, err
		}
		if batch.Size() == 1000 || i == len(docs)-1 {
			if err := index.Batch(batch); err != nil {
				return nil, err
			}
			batch.Reset()
		}
	}
	return index, nil
}

func ask(index bleve.Index, questions []knowledge.EvalQuery) error {
	var recall10, recall100, mrr float64
	var took []float64
	for _, q := range questions {
		text := bleve.NewMatchQuery(q.Text)
		text.SetField("text")
		chapter := bleve.NewMatchQuery(q.Text)
		chapter.SetField("chapter")
		chapter.SetBoost(0.2)
		request := bleve.NewSearchRequestOptions(bleve.NewDisjunctionQuery(text, chapter), 100, 0, false)
		start := time.Now()
		result, err := index.Search(request)
		if err != nil {
			return fmt.Errorf("ask %s: %w", strings.TrimSpace(string(q.ID)), err)
		}
		took = append(took, float64(time.Since(start).Microseconds())/1000)
		first := math.Inf(1)
		for i, h := range result.Hits {
			if !slices.Contains(q.Gold, h.ID) {
				continue
			}
			share := 1 / float64(len(q.Gold))
			recall100 += share
			if i < 10 {
				recall10 += share
				first = min(first, float64(i+1))
			}
		}
		mrr += 1 / first
	}
	slices.Sort(took)
	n := float64(len(questions))
	fmt.Printf("recall@10: %.4f\nrecall@100: %.4f\nmrr@10: %.4f\np50_ms: %.2f\np99_ms: %.2f\n",
		recall10/n, recall100/n, mrr/n, took[len(took)/2], took[len(took)*99/100])
	return nil
}

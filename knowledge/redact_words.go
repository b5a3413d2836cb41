package knowledge

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed tables/words.txt
var wordsData string

// Costs are natural logarithms of how rare something is; the corpus of
// tables/words.txt holds 2^wordsLog words.
const (
	wordsLog    = 26
	maxWord     = 4    // characters of the longest word in the table
	unknownChar = 17.0 // a character the table lacks
)

// ownWords is the class of the terms the table of words lacks.
const ownWords = 12

// wordCosts gives the cost of every word of the table and of the terms of
// tables/redact_names.txt, keyed by wordKey.
var wordCosts = sync.OnceValue(func() map[uint64]float32 {
	costs := make(map[uint64]float32, 64<<10)
	for line := range strings.Lines(wordsData) {
		class, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(class)
		if err != nil {
			continue
		}
		for _, w := range strings.Fields(rest) {
			costs[wordKey([]rune(w))] = classCost(n)
		}
	}
	s := sections(redactNamesData)
	for _, w := range append(s["words"], s["notnames"]...) {
		if r := []rune(w); len(r) <= maxWord {
			k := wordKey(r)
			if c, ok := costs[k]; !ok || c > classCost(ownWords) {
				costs[k] = classCost(ownWords)
			}
		}
	}
	return costs
})

// classCost is the cost of a word that occurs 2^n times.
func classCost(n int) float32 { return float32(float64(wordsLog-n) * math.Ln2) }

// wordKey packs up to four characters of the basic plane.
func wordKey(w []rune) uint64 {
	var k uint64
	for _, r := range w {
		k = k<<16 | uint64(r&0xffff)
	}
	return k
}

// nameModel weighs names: families by rank, given names by character.
type nameModel struct {
	family map[rune]float32 // cost of a family name of one character
	given  map[rune]float32 // cost of a character of a given name
	never  map[rune]bool
}

// The share of names among the words of residents' messages, and what the kinds
// of names cost beside it. The costs were set on texts written for that
// (testdata/pii_blind_a.jsonl), not on those the figures come from.
const (
	nameRarity     = 4.8  // about one word in 120
	oneGiven       = 1.6  // a fifth of the names have one character behind the family name
	twoGiven       = 0.25 //
	rareFamily     = 8.5
	compoundFamily = 6.0
	commonGiven    = 6.2
	rareGiven      = 9.5
)

func newNameModel(s map[string][]string) nameModel {
	m := nameModel{family: map[rune]float32{}, given: map[rune]float32{}, never: runeSet(s["never"])}
	for _, w := range s["surnames"] {
		for _, r := range w {
			m.family[r] = rareFamily
		}
	}
	// Ranks of the frequent families follow the order of the census report; the
	// k-th of them is borne by about 1/(k+12) of everybody, by half of that in
	// the second list.
	rank := 0
	for _, w := range append(s["ranked"], s["common"]...) {
		if r, n := utf8.DecodeRuneInString(w); n == len(w) && (m.family[r] == 0 || m.family[r] == rareFamily) {
			m.family[r] = float32(min(math.Log(float64(rank+12)), 5.6))
			rank++
		}
	}
	for _, w := range s["given"] {
		for _, r := range w {
			m.given[r] = commonGiven
		}
	}
	return m
}

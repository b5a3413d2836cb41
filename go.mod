module mingbai

go 1.26.8

require (
	github.com/goccy/go-yaml v1.19.2
	github.com/mozillazg/go-pinyin v0.21.0
	golang.org/x/text v0.43.0
)

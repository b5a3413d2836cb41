module mingbai

go 1.26.8

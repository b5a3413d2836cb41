package knowledge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

const vectorsMagic = "mingbai-vectors-2\n"

// maxDim bounds the length of vectors read; the largest models give 4,096.
const maxDim = 8192

// storedVector is a vector as bytes: a code times the scale is the number.
type storedVector struct {
	scale float32
	code  []byte
}

func storeVector(v []float32) storedVector {
	scale, code := quantize(v)
	s := storedVector{scale, make([]byte, len(code))}
	for i, c := range code {
		s.code[i] = byte(c)
	}
	return s
}

// into writes the numbers to out, which is as long as the vector.
func (s storedVector) into(out []float32) {
	for i, c := range s.code {
		out[i] = float32(int8(c)) * s.scale
	}
}

// errTorn says that a file of vectors is good up to a point only: the program
// that wrote it was killed.
var errTorn = errors.New("vectors end in the middle")

// vectorsHead begins a file of the vectors of one model.
func vectorsHead(name string) string { return fmt.Sprintf("%s%q\n", vectorsMagic, name) }

// appendVector writes one record: key, length, scale, codes and their checksum.
func appendVector(to []byte, k textKey, v storedVector) []byte {
	at := len(to)
	to = append(to, k[:]...)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(v.code)))
	to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v.scale))
	to = append(to, v.code...)
	return binary.LittleEndian.AppendUint32(to, crc32.ChecksumIEEE(to[at:]))
}

// readVectorFile reads the vectors of the model called name. errTorn comes with
// the vectors before the damage, errCache (another model's, another program's)
// with none.
func readVectorFile(file, name string) (map[textKey]storedVector, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVectors(bufio.NewReaderSize(f, 1<<20), name)
}

func readVectors(r io.Reader, name string) (map[textKey]storedVector, error) {
	head := vectorsHead(name)
	got := make([]byte, len(head))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != head {
		return nil, errCache
	}
	out := map[textKey]storedVector{}
	dim := 0
	for {
		var front [24]byte
		if _, err := io.ReadFull(r, front[:]); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, errTorn
		}
		n := int(binary.LittleEndian.Uint32(front[16:]))
		if n == 0 || n > maxDim || dim > 0 && n != dim {
			return out, errTorn
		}
		dim = n
		body := make([]byte, n+4)
		if _, err := io.ReadFull(r, body); err != nil {
			return out, errTorn
		}
		sum := crc32.Update(crc32.ChecksumIEEE(front[:]), crc32.IEEETable, body[:n])
		scale := math.Float32frombits(binary.LittleEndian.Uint32(front[20:]))
		if sum != binary.LittleEndian.Uint32(body[n:]) || !(scale >= 0) || math.IsInf(float64(scale), 0) {
			return out, errTorn
		}
		out[textKey(front[:16])] = storedVector{scale, bytes.Clone(body[:n])}
	}
}

// writeVectorFile writes vectors whole or not at all.
func writeVectorFile(file, name string, keys []textKey, vectors map[textKey]storedVector) error {
	return writeWhole(file, func(w io.Writer) error {
		if _, err := io.WriteString(w, vectorsHead(name)); err != nil {
			return err
		}
		var record []byte
		for _, k := range keys {
			record = appendVector(record[:0], k, vectors[k])
			if _, err := w.Write(record); err != nil {
				return err
			}
		}
		return nil
	})
}

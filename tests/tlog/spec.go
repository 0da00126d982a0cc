package main

// What c2sp.org/tlog-tiles, tlog-checkpoint and signed-note say, written from
// their texts: nothing here comes from the program under test.

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileWidth = 256

type checkpoint struct {
	size int64
	root tlog.Hash
	text string
}

// openCheckpoint verifies the note and parses it: exactly origin, size, root.
func openCheckpoint(raw []byte, v note.Verifier) (*checkpoint, error) {
	n, err := note.Open(raw, note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("the note does not verify: %v", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, fmt.Errorf("a checkpoint has three lines, this one %q", n.Text)
	}
	if lines[0] != v.Name() {
		return nil, fmt.Errorf("origin %q is not the key's name %q", lines[0], v.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("%q is not a size", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return nil, fmt.Errorf("%q is not a root", lines[2])
	}
	cp := &checkpoint{size: size, text: n.Text}
	copy(cp.root[:], root)
	return cp, nil
}

// number maps a tile's index: groups of three digits, all but the last with x.
func number(n int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return s
}

// A resource: a tile of a level, or a bundle of entries.
type resource struct {
	level int // -1: entries
	index int64
	width int
}

func (r resource) path() string {
	p := "tile/entries/"
	if r.level >= 0 {
		p = fmt.Sprintf("tile/%d/", r.level)
	}
	p += number(r.index)
	if r.width != tileWidth {
		p += fmt.Sprintf(".p/%d", r.width)
	}
	return p
}

// nodes is how many hashes (or entries) that level has in a tree of that size.
func nodes(level int, size int64) int64 {
	if level > 0 {
		return size >> (8 * uint(level))
	}
	return size
}

// resources lists all that a tree of that size has, bundles first.
func resources(size int64) []resource {
	var all []resource
	for level := -1; nodes(level, size) > 0; level++ {
		n := nodes(level, size)
		for i := int64(0); i < n/tileWidth; i++ {
			all = append(all, resource{level, i, tileWidth})
		}
		if n%tileWidth != 0 {
			all = append(all, resource{level, n / tileWidth, int(n % tileWidth)})
		}
	}
	return all
}

// absent lists paths that a log of that size must not have: what is wider than
// the tree, widths that do not exist, other spellings of what does exist.
func absent(size int64) []string {
	var all []string
	level := -1
	for ; nodes(level, size) > 0; level++ {
		n := nodes(level, size)
		edge := resource{level, n / tileWidth, tileWidth}
		all = append(all, edge.path(), edge.path()+".p/0", edge.path()+".p/256",
			edge.path()+".p/257")
		for w := int(n%tileWidth) + 1; w < tileWidth; w++ {
			all = append(all, resource{level, edge.index, w}.path())
		}
		for w := 1; w < tileWidth; w += 127 {
			all = append(all, resource{level, edge.index + 1, w}.path())
		}
		all = append(all, resource{level, edge.index + 1, tileWidth}.path(),
			resource{level, edge.index + 1000, tileWidth}.path())
	}
	if level < 0 { // an empty log
		level = 0
		all = append(all, "tile/entries/000", "tile/entries/000.p/1")
	}
	for ; level < 8; level++ {
		all = append(all, resource{level, 0, tileWidth}.path(),
			resource{level, 0, 1}.path(), resource{level, 0, 255}.path())
	}
	return append(all, "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000",
		"tile/0/x000/000", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
		"tile/entries/x000/000", "tile/-1/000", "tile/0/", "tile/", "tile/data/000",
		"checkpoint/", "checkpoint.p/1")
}

// entries splits a bundle: u16 length, entry, until nothing is left.
func entries(bundle []byte, width int) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("entry %d is cut", len(all))
		}
		n := int(binary.BigEndian.Uint16(bundle))
		all = append(all, tlog.RecordHash(bundle[2:2+n]))
		bundle = bundle[2+n:]
	}
	if len(all) != width {
		return nil, fmt.Errorf("%d entries, not %d", len(all), width)
	}
	return all, nil
}

// hashes splits a tile.
func hashes(tile []byte, width int) ([]tlog.Hash, error) {
	if len(tile) != width*tlog.HashSize {
		return nil, fmt.Errorf("%d bytes, not %d hashes", len(tile), width)
	}
	all := make([]tlog.Hash, width)
	for i := range all {
		copy(all[i][:], tile[i*tlog.HashSize:])
	}
	return all, nil
}

func same(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i][:], b[i][:]) {
			return false
		}
	}
	return true
}

package main

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// A tree holds every complete subtree, level by level, made from the entries
// alone; the tiles are compared with it.
type tree struct {
	level [][]tlog.Hash
}

func (t *tree) append(leaf tlog.Hash) {
	for l := 0; ; l++ {
		if l == len(t.level) {
			t.level = append(t.level, nil)
		}
		t.level[l] = append(t.level[l], leaf)
		n := len(t.level[l])
		if n%2 == 1 {
			return
		}
		leaf = tlog.NodeHash(t.level[l][n-2], t.level[l][n-1])
	}
}

// ReadHashes makes it a tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		l, n := tlog.SplitStoredHashIndex(x)
		if l >= len(t.level) || n >= int64(len(t.level[l])) {
			return nil, fmt.Errorf("no hash (%d, %d)", l, n)
		}
		out[i] = t.level[l][n]
	}
	return out, nil
}

func (t *tree) root(size int64) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(size, t)
}

// part gives what a tile has to hold.
func (t *tree) part(r resource) []tlog.Hash {
	l := 8 * r.level
	if r.level < 0 {
		l = 0
	}
	from := r.index * tileWidth
	if l >= len(t.level) || from+int64(r.width) > int64(len(t.level[l])) {
		return nil
	}
	return t.level[l][from : from+int64(r.width)]
}

// isPrefix tells whether an older checkpoint is a prefix: by its root, and by a
// proof as others would ask for it.
func (t *tree) isPrefix(old, now *checkpoint) error {
	if old.size > now.size {
		return fmt.Errorf("had %d entries and has %d", old.size, now.size)
	}
	root, err := t.root(old.size)
	if err != nil {
		return err
	}
	if root != old.root {
		return fmt.Errorf("the first %d entries are not those of the older checkpoint", old.size)
	}
	if old.size == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(now.size, old.size, t)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.size, now.root, old.size, old.root)
}

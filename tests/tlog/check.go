// Command check is a strict reader of a log that is served as
// c2sp.org/tlog-tiles: it fetches everything the checkpoint promises, hashes
// it again, and looks for what must not be there.
//
//	check [options] URL VKEY
//
// Exit: 0 all is well, 1 a finding (one line says which), 2 usage.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	sizeMax  = 32 << 20 // bytes of any answer
	patience = 100      // times that 429 is obeyed for one request
)

type checker struct {
	base    string
	key     note.Verifier
	growing bool // tiles may be ahead of the checkpoint, partial ones replaced
	headers bool
	now     *checkpoint
	raw     []byte
	tree    tree
	fetched int
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *checker) get(path string, header ...string) (*answer, error) {
	for i := 0; i < patience; i++ {
		req, err := http.NewRequest("GET", c.base+path, nil)
		if err != nil {
			return nil, err
		}
		for j := 0; j+1 < len(header); j += 2 {
			req.Header.Set(header[j], header[j+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, sizeMax+1))
		res.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %v", path, err)
		}
		if len(body) > sizeMax {
			return nil, fmt.Errorf("%s: too long", path)
		}
		if res.StatusCode != http.StatusTooManyRequests {
			return &answer{res.StatusCode, res.Header, body}, nil
		}
		wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || wait < 0 || wait > 60 {
			return nil, fmt.Errorf("%s: 429 with Retry-After %q", path, res.Header.Get("Retry-After"))
		}
		time.Sleep(time.Duration(wait)*time.Second + 50*time.Millisecond)
	}
	return nil, fmt.Errorf("%s: 429 again and again", path)
}

func (c *checker) wants(path string, a *answer, name, value string) error {
	got := a.header.Get(name)
	if c.headers && !strings.EqualFold(strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(value, " ", "")) {
		return fmt.Errorf("%s: %s is %q, not %q", path, name, got, value)
	}
	return nil
}

func (c *checker) fetchCheckpoint() error {
	a, err := c.get("checkpoint")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("checkpoint: status %d", a.status)
	}
	if err := c.wants("checkpoint", a, "Content-Type", "text/plain; charset=utf-8"); err != nil {
		return err
	}
	if err := c.wants("checkpoint", a, "Cache-Control", "no-store"); err != nil {
		return err
	}
	if c.headers {
		if err := c.tryETag(a); err != nil {
			return err
		}
	}
	c.raw = a.body
	c.now, err = openCheckpoint(a.body, c.key)
	if err != nil {
		return fmt.Errorf("checkpoint: %v", err)
	}
	return nil
}

// tryETag: a reader that has this checkpoint is told so.
func (c *checker) tryETag(a *answer) error {
	tag := a.header.Get("ETag")
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return fmt.Errorf("checkpoint: ETag is %q", tag)
	}
	b, err := c.get("checkpoint", "If-None-Match", tag)
	if err != nil {
		return err
	}
	if b.status == http.StatusNotModified && len(b.body) == 0 {
		return nil
	}
	if c.growing && b.status == http.StatusOK && !bytes.Equal(a.body, b.body) {
		return nil
	}
	return fmt.Errorf("checkpoint: status %d for its own ETag", b.status)
}

// fetch gives a resource's bytes. In a growing log a partial one may have been
// replaced by the full one, whose beginning it is.
func (c *checker) fetch(r resource) ([]byte, error) {
	path := r.path()
	a, err := c.get(path)
	if err != nil {
		return nil, err
	}
	full := false
	if a.status == http.StatusNotFound && c.growing && r.width < tileWidth {
		full = true
		path = resource{r.level, r.index, tileWidth}.path()
		if a, err = c.get(path); err != nil {
			return nil, err
		}
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", path, a.status)
	}
	if err := c.wants(path, a, "Content-Type", "application/octet-stream"); err != nil {
		return nil, err
	}
	caching := a.header.Get("Cache-Control")
	if c.headers && (full || r.width == tileWidth) && !strings.Contains(caching, "immutable") {
		return nil, fmt.Errorf("%s: Cache-Control is %q, a full tile never changes", path, caching)
	}
	if c.headers && strings.Contains(caching, "no-store") {
		return nil, fmt.Errorf("%s: Cache-Control is %q", path, caching)
	}
	c.fetched++
	if full {
		return beginning(a.body, r)
	}
	return a.body, nil
}

// beginning cuts the full resource to the width asked for.
func beginning(b []byte, r resource) ([]byte, error) {
	at := r.width * tlog.HashSize
	if r.level < 0 {
		at = 0
		for i := 0; i < r.width; i++ {
			if len(b)-at < 2 {
				return nil, fmt.Errorf("%s: cut", r.path())
			}
			at += 2 + int(b[at])<<8 + int(b[at+1])
		}
	}
	if at > len(b) {
		return nil, fmt.Errorf("%s: cut", r.path())
	}
	return b[:at], nil
}

// fetchAll builds the tree from the bundles and holds each tile against it.
func (c *checker) fetchAll() error {
	for _, r := range resources(c.now.size) {
		b, err := c.fetch(r)
		if err != nil {
			return err
		}
		if r.level < 0 {
			leaves, err := entries(b, r.width)
			if err != nil {
				return fmt.Errorf("%s: %v", r.path(), err)
			}
			for _, leaf := range leaves {
				c.tree.append(leaf)
			}
			continue
		}
		got, err := hashes(b, r.width)
		if err != nil {
			return fmt.Errorf("%s: %v", r.path(), err)
		}
		if !same(got, c.tree.part(r)) {
			return fmt.Errorf("%s: not the hashes of the entries", r.path())
		}
	}
	return nil
}

func (c *checker) checkRoot() error {
	root, err := c.tree.root(c.now.size)
	if err != nil {
		return err
	}
	if root != c.now.root {
		return fmt.Errorf("the root of %d entries is %v, the checkpoint says %v", c.now.size, root, c.now.root)
	}
	return nil
}

func (c *checker) checkAbsent() error {
	if c.growing {
		return nil
	}
	for _, path := range absent(c.now.size) {
		a, err := c.get(path)
		if err != nil {
			return err
		}
		if a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
			return fmt.Errorf("%s: status %d for what a log of %d entries has not", path, a.status, c.now.size)
		}
	}
	return nil
}

// checkOlder holds every checkpoint saved in dir against this tree.
func (c *checker) checkOlder(dir string) (int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		old, err := openCheckpoint(raw, c.key)
		if err == nil {
			err = c.tree.isPrefix(old, c.now)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
	name := filepath.Join(dir, fmt.Sprintf("%d.checkpoint", c.now.size))
	return len(files), os.WriteFile(name, c.raw, 0644)
}

func (c *checker) run(history string) error {
	if err := c.fetchCheckpoint(); err != nil {
		return err
	}
	if err := c.fetchAll(); err != nil {
		return err
	}
	if err := c.checkRoot(); err != nil {
		return err
	}
	if err := c.checkAbsent(); err != nil {
		return err
	}
	older := 0
	if history != "" {
		var err error
		if older, err = c.checkOlder(history); err != nil {
			return err
		}
	}
	fmt.Printf("size %d: %d resources verify, %d older checkpoints are consistent\n", c.now.size, c.fetched, older)
	return nil
}

func main() {
	c := &checker{}
	history := flag.String("history", "", "`directory` of checkpoints seen before; this one is added")
	flag.BoolVar(&c.growing, "growing", false, "the log is being written to")
	noHeaders := flag.Bool("no-headers", false, "types and caching do not matter")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: check [options] URL VKEY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	c.headers = !*noHeaders
	c.base = strings.TrimSuffix(flag.Arg(0), "/") + "/"
	key, err := note.NewVerifier(flag.Arg(1))
	if err != nil {
		fmt.Fprintln(os.Stderr, "check: this is no vkey:", err)
		os.Exit(2)
	}
	c.key = key
	http.DefaultClient.Timeout = 30 * time.Second
	http.DefaultClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := c.run(*history); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// Command log_in_go checks a log of ours with the code of Go's checksum database, as it is, and says what it checked.
//
// It takes a folder with the log (log/), the key to trust (vkey), proofs with their entries (NAME.tlog-proof), and
// earlier checkpoints with the proofs that the log extends them (NAME.checkpoint, NAME.consistency).
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	proofLine  = "c2sp.org/tlog-proof@v1"
)

// report is what was checked, for the test to see that nothing was passed over.
type report struct {
	Size    int64  `json:"size"`
	Root    string `json:"root"`
	Proofs  int    `json:"proofs"`
	Earlier int    `json:"earlier"`
	Files   int    `json:"files"`
	Unknown int    `json:"unknown"`
}

// files reads the log's tiles, which lie where Go puts them but for the height, which C2SP leaves out of the path.
type files struct {
	folder string
}

func (f files) Height() int { return tileHeight }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		content, err := f.read(pathOf(tile), tile.W*tlog.HashSize)
		if errors.Is(err, os.ErrNotExist) {
			// The full tile stands for those that were there before it.
			full := tile
			full.W = tileWidth
			content, err = f.read(pathOf(full), tileWidth*tlog.HashSize)
		}
		if err != nil {
			return nil, err
		}
		found[i] = content[:tile.W*tlog.HashSize]
	}
	return found, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f files) read(path string, size int) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(f.folder, path))
	if err == nil && len(content) != size {
		err = fmt.Errorf("%s has %d bytes, not %d", path, len(content), size)
	}
	return content, err
}

// pathOf returns where C2SP's tlog-tiles puts a tile: tile/0/x001/234 for Go's tile/8/0/x001/234.
func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
}

// open returns the tree of a checkpoint that the key signed, and how many signatures are by keys nobody told us of.
func open(checkpoint []byte, key note.Verifier) (tlog.Tree, int, error) {
	opened, err := note.Open(checkpoint, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	// tlog.ParseTree wants the checksum database's own first line; the two others are the same.
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != key.Name() {
		return tlog.Tree{}, 0, fmt.Errorf("not three lines of %s: %q", key.Name(), opened.Text)
	}
	size, err := decimal(lines[1])
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, len(opened.UnverifiedSigs), err
}

func decimal(written string) (int64, error) {
	number, err := strconv.ParseInt(written, 10, 64)
	if err == nil && (number < 0 || strconv.FormatInt(number, 10) != written) {
		err = fmt.Errorf("%q is not how a number is written", written)
	}
	return number, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found[i] = hash
	}
	return found, nil
}

func same(ours, gos []tlog.Hash) error {
	if len(ours) != len(gos) {
		return fmt.Errorf("%d hashes, and Go proves it with %d", len(ours), len(gos))
	}
	for i := range ours {
		if ours[i] != gos[i] {
			return fmt.Errorf("hash %d is %v, and Go's is %v", i, ours[i], gos[i])
		}
	}
	return nil
}

// checkProof checks a proof and the entry in it, and that Go makes the same one out of the tiles.
func checkProof(written []byte, key note.Verifier, tiles files) error {
	head, checkpoint, found := bytes.Cut(written, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != proofLine {
		return errors.New("not written as tlog-proof says")
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := decimal(strings.TrimPrefix(lines[2], "index "))
	if err != nil {
		return err
	}
	tree, _, err := open(checkpoint, key)
	if err != nil {
		return err
	}
	ours, err := hashes(lines[3:])
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(ours, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	gos, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, tiles))
	if err != nil {
		return err
	}
	return same(ours, gos)
}

// checkEarlier checks that the log extends an earlier checkpoint, and that Go proves it with the same hashes.
func checkEarlier(checkpoint, written []byte, tree tlog.Tree, key note.Verifier, tiles files) error {
	earlier, _, err := open(checkpoint, key)
	if err != nil {
		return err
	}
	ours, err := hashes(strings.Fields(string(written)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(ours, tree.N, tree.Hash, earlier.N, earlier.Hash); err != nil {
		return err
	}
	gos, err := tlog.ProveTree(tree.N, earlier.N, tlog.TileHashReader(tree, tiles))
	if err != nil {
		return err
	}
	return same(ours, gos)
}

// computed makes the tree anew out of the entries, and compares its root, and its leaves with those Go finds in tiles.
//
// The tiles are not enough by themselves: golang.org/x/mod before 0.40 passes over some of them (CVE-2026-56865).
func computed(tree tlog.Tree, tiles files) (tlog.HashReader, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("no hash %d in a tree of %d entries", index, tree.N)
			}
			found[i] = stored[index]
		}
		return found, nil
	})
	for number := int64(0); number < tree.N; {
		tile := tlog.Tile{H: tileHeight, L: -1, N: number / tileWidth, W: tileWidth}
		if tree.N-number < tileWidth {
			tile.W = int(tree.N - number)
		}
		// Go calls data what C2SP, which puts lengths before them, calls entries.
		entries, err := tiles.bundle(strings.Replace(pathOf(tile), "tile/data/", "tile/entries/", 1), tile.W)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			more, err := tlog.StoredHashes(number, entry, reader)
			if err != nil {
				return nil, err
			}
			stored = append(stored, more...)
			number++
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("the root over the entries is %v, and the checkpoint's is %v", root, tree.Hash)
	}
	if err != nil {
		return nil, err
	}
	return reader, sameLeaves(tree.N, reader, tlog.TileHashReader(tree, tiles))
}

func sameLeaves(size int64, computed, tiles tlog.HashReader) error {
	indexes := make([]int64, size)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	ours, err := tiles.ReadHashes(indexes)
	if err != nil {
		return err
	}
	gos, err := computed.ReadHashes(indexes)
	if err != nil {
		return err
	}
	return same(ours, gos)
}

// bundle returns the entries of a bundle, each of which has its length before it.
func (f files) bundle(path string, many int) ([][]byte, error) {
	rest, err := os.ReadFile(filepath.Join(f.folder, path))
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%s ends within entry %d", path, len(found))
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		found, rest = append(found, rest[2:end]), rest[end:]
	}
	if len(found) != many {
		return nil, fmt.Errorf("%s has %d entries, not %d", path, len(found), many)
	}
	return found, nil
}

// checkFiles checks every tile and bundle that lies there, of whatever width, and returns how many.
func (f files) checkFiles(computed tlog.HashReader) (int, error) {
	many := 0
	err := filepath.WalkDir(filepath.Join(f.folder, "tile"), func(place string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		path, err := filepath.Rel(f.folder, place)
		if err != nil {
			return err
		}
		many++
		return f.checkFile(path, computed)
	})
	return many, err
}

func (f files) checkFile(path string, computed tlog.HashReader) error {
	coordinates := strings.TrimPrefix(path, "tile/")
	isBundle := strings.HasPrefix(coordinates, "entries/")
	if isBundle {
		coordinates = "0/" + strings.TrimPrefix(coordinates, "entries/")
	}
	tile, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", tileHeight, coordinates))
	if err != nil {
		return err
	}
	data, err := tlog.ReadTileData(tile, computed)
	if err != nil {
		return err
	}
	var content []byte
	if isBundle {
		entries, err := f.bundle(path, tile.W)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			hash := tlog.RecordHash(entry)
			content = append(content, hash[:]...)
		}
	} else if content, err = f.read(path, tile.W*tlog.HashSize); err != nil {
		return err
	}
	if !bytes.Equal(content, data) {
		return fmt.Errorf("%s is not what the tree has there", path)
	}
	return nil
}

// each calls check with every file of the folder that ends so, and returns how many there are.
func each(folder, ending string, check func(path string, content []byte) error) (int, error) {
	found, err := filepath.Glob(filepath.Join(folder, "*"+ending))
	if err != nil {
		return 0, err
	}
	for _, path := range found {
		content, err := os.ReadFile(path)
		if err == nil {
			err = check(path, content)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return len(found), nil
}

func run(folder string) (*report, error) {
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	if err != nil {
		return nil, err
	}
	key, err := note.NewVerifier(string(vkey))
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	tiles := files{folder: filepath.Join(folder, "log")}
	checkpoint, err := os.ReadFile(filepath.Join(tiles.folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	tree, unknown, err := open(checkpoint, key)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	said := &report{Size: tree.N, Unknown: unknown}
	said.Root = base64.StdEncoding.EncodeToString(tree.Hash[:])
	said.Proofs, err = each(folder, ".tlog-proof", func(_ string, proof []byte) error {
		return checkProof(proof, key, tiles)
	})
	if err != nil {
		return nil, err
	}
	said.Earlier, err = each(folder, ".checkpoint", func(path string, earlier []byte) error {
		proof, err := os.ReadFile(strings.TrimSuffix(path, ".checkpoint") + ".consistency")
		if err != nil {
			return err
		}
		return checkEarlier(earlier, proof, tree, key, tiles)
	})
	if err != nil {
		return nil, err
	}
	computed, err := computed(tree, tiles)
	if err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	if said.Files, err = tiles.checkFiles(computed); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	return said, nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: log_in_go FOLDER")
		os.Exit(2)
	}
	said, err := run(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(said)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

package office

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// lockHelper, when the environment names a file with it, makes the test program
// a process that locks the file until its standard input ends.
const lockHelper = "MINGBAI_LOCK"

func lockFile(file string) int {
	db, err := sql.Open("sqlite", sqliteDSN(file, "_txlock", "deferred"))
	if err != nil {
		return 1
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return 1
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN EXCLUSIVE"); err != nil {
		return 1
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // it ends when the test says so
	return 0
}

// smallDisk is a directory on a file system of its own that holds size KiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", size)); err != nil {
		t.Skipf("SKIPPED: no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill opens cases until the records take no more, and returns those that were
// acknowledged and the error.
func fill(t *testing.T, db *DB, most int) (done []string, err error) {
	t.Helper()
	for i := range most {
		d := wall()
		d.Request, d.Story = fmt.Sprint("fill-", i), fmt.Sprintf("第 %d 件：%s", i, strings.Repeat("长", 1500))
		o, err := db.OpenCase(t.Context(), Person{Account: "web/user/fill"}, d)
		if err != nil {
			return done, err
		}
		done = append(done, o.Case.No)
	}
	return done, nil
}

// hasAll holds the records to what was acknowledged.
func hasAll(t *testing.T, db *DB, done []string) {
	t.Helper()
	for _, no := range done {
		if _, err := db.Case(t.Context(), Person{Account: "web/user/fill"}, no); err != nil {
			t.Errorf("%s was acknowledged: %v", no, err)
		}
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// said holds a fault to what people and the operator read of it.
func said(t *testing.T, err error, advice string) {
	t.Helper()
	if KindOf(err) != Unavailable || !strings.Contains(Words(err), "12348") || !strings.Contains(Words(err), "再发一次") {
		t.Errorf("got %v (%q), want that the records cannot be reached", KindOf(err), Words(err))
	}
	if got, _ := outage(err); !strings.Contains(got, advice) {
		t.Errorf("advice %q for %v, want %q", got, err, advice)
	}
}

func TestFaults_DiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 4096)
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := people4(t, db)
	ballast := filepath.Join(dir, "old backup")
	if err := os.WriteFile(ballast, make([]byte, 1600<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	first := mustOpen(t, db, Person{Account: "web/user/fill"}, wall()).Case.No
	mustAct(t, db, s.clerk, first, Action{Verb: "accept"})
	done, err := fill(t, db, 1000)
	said(t, err, "磁盘满了")
	if done = append(done, first); len(done) < 3 {
		t.Fatal("nothing fitted")
	}
	err = nil
	for i := 0; i < 100 && err == nil; i++ { // what was left was too little for a case
		_, err = db.Act(t.Context(), s.clerk, first, Action{Verb: "note", Note: fmt.Sprint(i, strings.Repeat("长", 400))})
	}
	said(t, err, "磁盘满了")
	hasAllReading(t, db, done)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	hasAll(t, db, done) // without a restart
	mustAct(t, db, s.clerk, first, Action{Verb: "answer", Text: "有地方了，答复写下来了。"})
}

// hasAllReading looks for cases without writing that they were read.
func hasAllReading(t *testing.T, db *DB, done []string) {
	t.Helper()
	_, n, err := db.Cases(t.Context(), Person{Account: "web/user/fill"}, CaseFilter{Limit: 1})
	if err != nil || n != len(done) {
		t.Errorf("%d of %d cases, %v", n, len(done), err)
	}
}

// The same without the right to mount: the database itself may not grow.
func TestFaults_NoMorePages(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	people4(t, db)
	var pages int
	if err := db.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := db.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 40)
	done, err := fill(t, db, 1000)
	said(t, err, "磁盘满了")
	hasAllReading(t, db, done)
	limit(1 << 30)
	hasAll(t, db, done)
	if more, err := fill(t, db, len(done)+10); err != nil || len(more) <= len(done) {
		t.Errorf("afterwards: %d cases, %v", len(more), err)
	}
}

func TestFaults_ReadOnly(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	people4(t, db)
	done, err := fill(t, db, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	d := wall()
	d.Story = "又一件事，存不进去。"
	_, err = db.OpenCase(t.Context(), Person{Account: "web/user/fill"}, d)
	said(t, err, "只读")
	hasAllReading(t, db, done)
	if _, err := db.write.Exec("PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	hasAll(t, db, done)
}

// A file system that became read-only: the program does not start, and says why.
func TestFaults_ReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 4096)
	db, err := Open(t.Context(), Options{Dir: dir})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err = Open(t.Context(), Options{Dir: dir}); !errors.As(err, &e) || !strings.Contains(e.Msg, dir) {
		t.Errorf("got %v, want it said which directory cannot be written to", err)
	}
}

func TestFaults_LockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	people4(t, db)
	done, err := fill(t, db, 2)
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), lockHelper+"="+filepath.Join(dir, fileName))
	hold, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatal(line, err)
	}
	d := wall()
	d.Story = "又一件事，数据库锁着。"
	_, err = db.OpenCase(t.Context(), Person{Account: "web/user/fill"}, d)
	said(t, err, "锁住")
	hasAllReading(t, db, done)
	if err := errors.Join(hold.Close(), other.Wait()); err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, db, Person{Account: "web/user/fill"}, d)
	hasAll(t, db, append(done, o.Case.No))
}

// PostgreSQL is killed and starts again while four people hand in cases and try
// again when they are told to.
func TestFaults_PostgresRestartedInMidLoad(t *testing.T) {
	t.Parallel()
	server := servers.StartPostgres(t)
	db, err := Open(t.Context(), Options{DatabaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	people4(t, db)
	var told, opened atomic.Int64
	var mu sync.Mutex
	var done []string
	var crew sync.WaitGroup
	for k := range 4 {
		crew.Go(func() {
			for i := 0; i < 200 && told.Load() < 4000; i++ {
				d := wall()
				d.Request, d.Story = fmt.Sprintf("load-%d-%d", k, i), fmt.Sprintf("第 %d 个人的第 %d 件事。", k, i)
				for {
					o, err := db.OpenCase(t.Context(), Person{Account: "web/user/fill"}, d)
					if err == nil {
						mu.Lock()
						done = append(done, o.Case.No)
						mu.Unlock()
						opened.Add(1)
						break
					}
					if told.Add(1) == 1 {
						said(t, err, "PostgreSQL")
					}
					if KindOf(err) != Unavailable {
						t.Errorf("got %v, want unavailable", err)
						return
					}
					pause(20 * time.Millisecond)
				}
			}
		})
	}
	for n := range 2 {
		for opened.Load() < int64(100*(n+1)) && !t.Failed() {
			pause(5 * time.Millisecond)
		}
		server.Kill()
		server.Start()
	}
	crew.Wait()
	if told.Load() == 0 || len(done) != 800 {
		t.Errorf("%d cases, told of the fault %d times", len(done), told.Load())
	}
	if _, n, err := db.Cases(t.Context(), Person{Account: "web/user/fill"}, CaseFilter{Limit: 1}); err != nil || n != len(done) {
		t.Errorf("%d cases in the records, %d acknowledged, %v", n, len(done), err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpen_UnreachableServerIsSaidSoWithAdvice(t *testing.T) {
	t.Parallel()
	live := servers.PostgresURL(t)
	for name, c := range map[string]struct{ url, advice string }{
		"nobody listens": {"postgres://clerk:hidden@127.0.0.1:1/mingbai?sslmode=disable", "连不上数据库"},
		"no such host":   {"postgres://clerk:hidden@db.invalid/mingbai", "连不上数据库"},
		"no such base":   {live[:strings.LastIndex(live, "/")] + "/nothing?sslmode=disable", "没有这个库"},
	} {
		_, err := Open(t.Context(), Options{DatabaseURL: c.url})
		var e *Error
		if !errors.As(err, &e) || e.Kind != Unavailable || !strings.Contains(e.Msg, c.advice) || strings.Contains(e.Msg, "hidden") {
			t.Errorf("%s: got %v, want %q", name, err, c.advice)
		}
	}
}

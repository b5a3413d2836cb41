package office

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// WordsUnavailable is what a person reads when the records cannot be reached or
// written to. What they asked for was most likely not done; asking again does it
// once.
const WordsUnavailable = "系统这会儿存不了记录，刚才这一步可能没有办成；以前办好的都还在。请过几分钟再发一次（不会办成两件）。急事打 110，法律热线 12348（免费）。"

// outages says what is wrong with the place where the records are kept, by
// primary result codes of SQLite (sqlite.org/rescode.html).
var outages = map[int]string{
	5:  "数据库被另一个程序锁住了。看看是不是开了两个程序，或者有人用别的工具打开了数据库文件；关掉它，再试。",
	6:  "数据库里有一步还没做完。稍后再试；一直这样就重启程序。",
	8:  "数据库现在是只读的。检查数据目录的权限（要归运行服务的账号）和磁盘是不是被系统改成了只读（dmesg 里看）。",
	10: "读写数据库文件时磁盘出错。先备份还能读的，检查磁盘（dmesg、smartctl）；文件坏了用最近的备份恢复。",
	11: "数据库文件坏了。停下程序，用最近的备份恢复：mingbai restore。",
	13: "磁盘满了（或者满了配额）。清出空间就会自己恢复，不用重启；清理旧备份、旧日志，或者换大一点的盘。",
	14: "打不开数据库文件。检查 DATA_DIR 写得对不对，运行服务的账号能不能进这个目录、能不能写。",
	26: "这个文件不是数据库，或者坏了。用最近的备份恢复：mingbai restore。",
}

// pgOutages is the same by SQLSTATE of PostgreSQL (its manual, appendix A); a
// class of two letters stands for all codes that begin with it.
var pgOutages = map[string]string{
	"53100": "PostgreSQL 的磁盘满了。清出空间就会自己恢复。",
	"53300": "PostgreSQL 的连接数用完了。调大 max_connections，或者少开几个程序。",
	"25006": "PostgreSQL 现在是只读的（可能连到了备库）。检查 DATABASE_URL 的主机是不是主库。",
	"28":    "PostgreSQL 不认这个账号或密码。检查 DATABASE_URL 里的用户和密码，以及 pg_hba.conf。",
	"3D000": "PostgreSQL 里没有这个库。检查 DATABASE_URL 最后的库名；没有就建：createdb 库名。",
	"42501": "PostgreSQL 的这个账号权限不够。让它拥有这个库：ALTER DATABASE 库名 OWNER TO 账号。",
	"57P":   "PostgreSQL 正在重启或停机。等它起来会自己接上。",
	"08":    "和 PostgreSQL 的连接断了。检查网络和数据库有没有在运行；恢复后会自己接上。",
	"53":    "PostgreSQL 的资源（磁盘、内存或连接）不够了。",
}

const outageUnreachable = "连不上数据库。检查 DATABASE_URL 的主机和端口，PostgreSQL 有没有在运行，防火墙放不放行；不用 PostgreSQL 就把 DATABASE_URL 留空。"

// Outage says in plain Chinese, for whoever runs the program, what is wrong with
// the place where the records are kept and what to do; ok is false if err does
// not come from there.
func Outage(err error) (advice string, ok bool) {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		advice, ok = outages[lite.Code()&0xff]
		return advice, ok
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		for n := len(pg.Code); n >= 2; n-- {
			if advice, ok = pgOutages[pg.Code[:n]]; ok {
				return advice, true
			}
		}
		return "", false
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) {
		return outageUnreachable, true
	}
	// pgx has no type for a connection that the server closed under it.
	if err != nil && (strings.Contains(err.Error(), "conn closed") || errors.Is(err, io.EOF) && strings.Contains(err.Error(), "failed")) {
		return pgOutages["08"], true
	}
	return "", false
}

// outage is Outage for an error that came out of the records: then a broken
// connection is the database's too.
func outage(err error) (advice string, ok bool) {
	if advice, ok = Outage(err); ok {
		return advice, true
	}
	var network *net.OpError
	if errors.As(err, &network) && !network.Timeout() || errors.Is(err, io.ErrUnexpectedEOF) {
		return outageUnreachable, true
	}
	return "", false
}

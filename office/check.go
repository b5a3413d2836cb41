package office

import (
	"context"
	"errors"
	"fmt"
)

// checks are what must hold of cases and of what is published at any time; each
// query counts what breaks the rule.
var checks = []struct{ rule, query string }{
	{"每件都有“提交”这一步", `SELECT COUNT(*) FROM cases c WHERE NOT EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = c.id AND e.verb = 'open')`},
	{"每件的状态是最后一步的结果", `SELECT COUNT(*) FROM cases c WHERE c.state <> (SELECT e.state FROM case_events e WHERE e.case_id = c.id ORDER BY e.id DESC LIMIT 1)`},
	{"每件的版本数等于步数", `SELECT COUNT(*) FROM cases c WHERE c.version <> (SELECT COUNT(*) FROM case_events e WHERE e.case_id = c.id)`},
	{"每一步都有审计记录", `SELECT COUNT(*) FROM cases c WHERE (SELECT COUNT(*) FROM case_events e WHERE e.case_id = c.id) >
		(SELECT COUNT(*) FROM audit a WHERE a.object = c.no AND a.action <> 'read')`},
	{"每个调解结果都有“调解结果”这一步", `SELECT COUNT(*) FROM mediations m WHERE NOT EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = m.case_id AND e.verb = 'outcome')`},
	{"每次“调解结果”都留下了结果", `SELECT COUNT(*) FROM case_events e WHERE e.verb = 'outcome' AND NOT EXISTS (SELECT 1 FROM mediations m WHERE m.case_id = e.case_id)`},
	{"调解记录和步骤一样多", `SELECT ABS((SELECT COUNT(*) FROM mediation_sessions) - (SELECT COUNT(*) FROM case_events WHERE verb = 'session'))`},
	{"编号没有空缺", `SELECT COUNT(*) FROM case_numbers n WHERE n.last <> (SELECT COUNT(*) FROM cases c WHERE c.org = n.org AND c.no LIKE CAST(n.year AS TEXT) || '-%')`},
	{"每个新件都通知了人", `SELECT COUNT(*) FROM cases c WHERE EXISTS (SELECT 1 FROM posts s WHERE s.role IN ('经办人', '管理员'))
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = c.id AND n.kind = 'open')
		AND EXISTS (SELECT 1 FROM orgs o JOIN posts s ON s.org = o.id WHERE s.role = '管理员' AND o.parent = 0)`},
	{"每件答复都有待取的通知", `SELECT COUNT(*) FROM cases c WHERE c.answered > 0 AND c.account <> '' AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = c.id AND n.kind = 'answer')`},
	{"每条普法内容的状态是最后一步的结果", `SELECT COUNT(*) FROM items i WHERE i.state <> (SELECT e.state FROM item_events e WHERE e.item = i.id ORDER BY e.id DESC LIMIT 1)`},
	{"每条普法内容的版本没有缺", `SELECT COUNT(*) FROM items i WHERE i.version <> (SELECT COUNT(*) FROM item_versions v WHERE v.item = i.id)`},
	{"发布的每一版都由别人审过", `SELECT COUNT(*) FROM items i WHERE i.live > 0 AND NOT EXISTS (SELECT 1 FROM item_events e JOIN item_versions v ON v.item = e.item AND v.version = e.version
		WHERE e.item = i.id AND e.version = i.live AND e.verb = 'approve' AND e.person <> v.author)`},
	{"到点发布的每一次都有发布这一步", `SELECT COUNT(*) FROM slots s WHERE s.state IN ('fired', 'late') AND NOT EXISTS (SELECT 1 FROM item_events e WHERE e.item = s.item AND e.verb = 'publish' AND e.version = s.version)`},
}

// Check looks for cases and pieces that are half written and for audit entries that were
// touched. A Conflict names every rule that is broken.
func (db *DB) Check(ctx context.Context) error {
	var faults []error
	for _, c := range checks {
		var n int
		if err := db.read.QueryRowContext(ctx, c.query).Scan(&n); err != nil {
			return fmt.Errorf("check %s: %w", c.rule, err)
		}
		if n > 0 {
			faults = append(faults, conflict("%s：有 %d 处不符。", c.rule, n))
		}
	}
	_, err := db.VerifyAudit(ctx)
	return errors.Join(append(faults, err)...)
}

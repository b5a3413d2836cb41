package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Run is one run of a job.
type Run struct {
	ID      int64     `json:"id"`
	Job     string    `json:"job"`
	Process string    `json:"process"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"` // zero: still running, or the process died
	State   string    `json:"state"` // running, ok, failed, panicked, timeout
	Note    string    `json:"note"`
}

// keptRuns is how many runs of a job are kept.
const keptRuns = 50

// BeginRun notes that a job began.
func (db *DB) BeginRun(ctx context.Context, job, process string) (id int64, err error) {
	err = db.write.QueryRowContext(ctx, `INSERT INTO job_runs (job, process, started, ended, state, note) VALUES ($1, $2, $3, 0, 'running', '') RETURNING id`,
		job, process, db.now().UnixMilli()).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("begin run: %w", err)
	}
	return id, nil
}

// EndRun notes how a run ended, and forgets old runs of the job. note holds no
// words of residents.
func (db *DB) EndRun(ctx context.Context, r Run) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if r.ID == 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO job_runs (job, process, started, ended, state, note) VALUES ($1, $2, $3, $4, $5, $6)`,
				r.Job, r.Process, r.Started.UnixMilli(), r.Ended.UnixMilli(), r.State, r.Note); err != nil {
				return fmt.Errorf("end run: %w", err)
			}
		} else if _, err := tx.ExecContext(ctx, `UPDATE job_runs SET ended = $1, state = $2, note = $3 WHERE id = $4`, r.Ended.UnixMilli(), r.State, r.Note, r.ID); err != nil {
			return fmt.Errorf("end run: %w", err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM job_runs WHERE job = $1 AND id < COALESCE((SELECT MIN(id) FROM (SELECT id FROM job_runs WHERE job = $1 ORDER BY id DESC LIMIT $2) AS kept), 0)`, r.Job, keptRuns)
		return err
	})
}

// LastRuns lists the last n runs of a job, newest first, or of each if job is "".
func (db *DB) LastRuns(ctx context.Context, job string, n int) ([]Run, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT id, job, process, started, ended, state, note FROM job_runs r WHERE ($1 = '' OR job = $1)
		AND (SELECT COUNT(*) FROM job_runs x WHERE x.job = r.job AND x.id > r.id) < $2 ORDER BY job, id DESC LIMIT 500`, job, n)
	if err != nil {
		return nil, fmt.Errorf("last runs: %w", err)
	}
	defer rows.Close()
	var list []Run
	for rows.Next() {
		var r Run
		var started, ended int64
		if err := rows.Scan(&r.ID, &r.Job, &r.Process, &started, &ended, &r.State, &r.Note); err != nil {
			return nil, fmt.Errorf("last runs: %w", err)
		}
		r.Started = time.UnixMilli(started).In(china)
		if ended > 0 {
			r.Ended = time.UnixMilli(ended).In(china)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

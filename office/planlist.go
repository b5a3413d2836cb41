package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

const planColumns = `id, name, spec, anchor, sinks, pool, holiday, weekend, catchup, state, next, owner, by_name, path, created`

func scanPlan(row interface{ Scan(...any) error }) (p Plan, err error) {
	var anchor, next, created int64
	var sinks string
	err = row.Scan(&p.ID, &p.Name, &p.Spec, &anchor, &sinks, &p.Pool, &p.Holiday, &p.Weekend, &p.CatchUp, &p.State, &next, &p.Owner, &p.By, &p.path, &created)
	p.anchor, p.Next, p.Created, p.Sinks = fromUnix(anchor), fromUnix(next), fromUnix(created), parted(sinks)
	return p, err
}

func planByID(ctx context.Context, q querier, id int64) (Plan, error) {
	p, err := scanPlan(q.QueryRowContext(ctx, `SELECT `+planColumns+` FROM plans WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return p, notFound("没有编号 %d 的计划。", id)
	}
	if err != nil {
		return p, fmt.Errorf("plan: %w", err)
	}
	p.Pieces, err = planPieces(ctx, q, id)
	return p, err
}

func planPieces(ctx context.Context, q querier, plan int64) ([]int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT item FROM plan_items WHERE plan = $1 ORDER BY place LIMIT 200`, plan)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("plan: %w", err)
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// Plan reads a plan with its items.
func (db *DB) Plan(ctx context.Context, id int64) (Plan, error) { return planByID(ctx, db.read, id) }

// Path is the place whose officers deal with the plan.
func (p Plan) Path() string { return p.path }

// maxPlans bounds how many plans there are to look at.
const maxPlans = 500

// Plans lists the plans without their items, those that come due first first.
func (db *DB) Plans(ctx context.Context) ([]Plan, error) {
	return plans(ctx, db.read, `ORDER BY CASE state WHEN 'on' THEN 0 WHEN 'paused' THEN 1 ELSE 2 END, next, id`)
}

func plans(ctx context.Context, q querier, tail string, args ...any) ([]Plan, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+planColumns+` FROM plans `+tail+` LIMIT `+strconv.Itoa(maxPlans), args...)
	if err != nil {
		return nil, fmt.Errorf("plans: %w", err)
	}
	defer rows.Close()
	var list []Plan
	for rows.Next() {
		p, err := scanPlan(rows)
		if err != nil {
			return nil, fmt.Errorf("plans: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

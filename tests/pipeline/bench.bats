# make bench: that its rows can be set up.  What they measure decides nothing here.
bats_require_minimum_version 1.5.0
load ../lib/ehr

@test "bench: rows run alone, over an input that each makes itself" {
	native || return 0
	mkdir tools
	ln -s "$EHR_GENERATE" tools/generate
	cc -std=c11 -D_GNU_SOURCE -I"$EHR_ROOT" -O1 -o tools/measure "$EHR_ROOT/tests/bench/measure.c"
	tools=$PWD/tools
	cd "$EHR_ROOT"
	# A row whose figure is missed ends with 1, as one does that cannot be set up.
	BENCH_MB=1 BENCH_RUNS=1 BENCH_ROWS='codes start' bash tests/bench/run.sh "$EHR_BIN" "$tools" >"$BATS_TEST_TMPDIR/rows" 2>"$BATS_TEST_TMPDIR/err" || true
	empty "$BATS_TEST_TMPDIR/err"
	[ "$(grep -cE ': (met|MISSED) ' "$BATS_TEST_TMPDIR/rows")" -eq 8 ]
}

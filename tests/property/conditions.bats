load ../lib/ehr

# P14: a condition means the same whether classify.yaml writes it natively or as an expression of jq.

@test "P14: native conditions and the same in jq agree" {
	local seed
	for seed in 1 2 3; do
		rm -rf p && mkdir p
		perl "$EHR_ROOT/tests/property/conditions.pl" "$seed" 60 100 p >in
		ehr 0 ehr-classify -P p in
		jq -r '[.labels[]?.rule] as $held | range(60) | ["w\(.)", "j\(.)"] | map(IN($held[])) | join(" ")' out >>pairs
	done
	[ "$(wc -l <pairs)" -eq 18000 ]
	[ "$(grep -cx 'true true' pairs)" -gt 2000 ]
	[ "$(grep -cx 'false false' pairs)" -gt 2000 ]
	grep -vx -e 'true true' -e 'false false' pairs >differ || true
	empty differ
}

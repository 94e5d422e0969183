load ../lib/ehr

# The rows of all value sets that are shipped, behind the two head lines; a line of several codes is as many.
rows() {
	local file
	for file in "$EHR_ROOT"/policies/*/valuesets/*.tsv; do
		tail -n +3 "$file"
	done | split_codes
}

split_codes() {
	awk 'BEGIN { FS = OFS = "\t" } { n = split($2, code, ","); for (i = 1; i <= n; i++) { $2 = code[i]; print } }'
}

@test "every SNOMED CT id in a value set has its check digit (Verhoeff)" {
	rows | awk -F'\t' '
	BEGIN {
		# Multiplication in the dihedral group of ten elements, and the permutation by position.
		split("0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210", times, " ")
		split("0123456789 1576283094 5803796142 8916043527 9453126870 4286573901 2793806415 7046913258", moved, " ")
	}
	$1 == "http://snomed.info/sct" {
		check = 0
		for (i = 0; i < length($2); i++) {
			digit = substr($2, length($2) - i, 1)
			check = substr(times[check + 1], substr(moved[i % 8 + 1], digit + 1, 1) + 1, 1)
		}
		ids++
		if ($2 !~ /^[1-9][0-9]+$/ || check != 0) { print "not an id: " $2; bad = 1 }
	}
	END { exit bad || ids < 90 }'
}

@test "every LOINC code in a value set has its check digit (modulus 10)" {
	rows | awk -F'\t' '
	$1 == "http://loinc.org" && $2 !~ /^LA[0-9]+-[0-9]$/ { # codes of answers have another digit
		split($2, part, "-")
		sum = 0
		for (i = 0; i < length(part[1]); i++) {
			digit = substr(part[1], length(part[1]) - i, 1) * (i % 2 == 0 ? 2 : 1)
			sum += digit > 9 ? digit - 9 : digit
		}
		codes++
		if ($2 !~ /^[0-9]+-[0-9]$/ || (10 - sum % 10) % 10 != part[2]) { print "not a code: " $2; bad = 1 }
	}
	END { exit bad || codes < 100 }'
}

@test "at least 15 SNOMED CT concepts a category, complete: false, the notice beside them" {
	local set=$EHR_ROOT/policies/hospital/valuesets/snomed.tsv categories
	for categories in HIV 'SUD|ETHUD|OPIOIDUD' MH 'SEX|STD|PREGNANT|GENDER' 'SDV|VIO' 'GDIS|SCA'; do
		[ "$(cut -f2,4 "$set" | grep -cE "	($categories)\$")" -ge 15 ]
	done
	head -1 "$set" | grep -q 'used by permission of SNOMED International'
	[ "$(grep -c 'snomed.tsv.*complete: false' "$EHR_ROOT/policies/hospital/classify.yaml")" -eq \
		"$(grep -c 'snomed.tsv' "$EHR_ROOT/policies/hospital/classify.yaml")" ]
}

@test "value sets are sorted, have six columns and no row twice, and name source and licence" {
	local file
	for file in "$EHR_ROOT"/policies/*/valuesets/*.tsv; do
		head -1 "$file" | grep -q '^# .*source='
		case $file in
		*-words.tsv) [ "$(sed -n 2p "$file")" = "$(printf 'term\tlanguage\tcategory\tmode\tunless\tnear_miss')" ] ;;
		*) [ "$(sed -n 2p "$file")" = "$(printf 'system\tcode\tdisplay\tcategory\tfrom\tuntil')" ] ;;
		esac
		tail -n +3 "$file" | awk -F'\t' 'NF != 6 { exit 1 }'
		[ -z "$(tail -n +3 "$file" | split_codes | cut -f1,2,4 | sort | uniq -d)" ]
	done
	grep -q 'copyright Regenstrief Institute' "$EHR_ROOT/policies/hospital/valuesets/tests.tsv"
	grep -q 'copyright Regenstrief Institute' "$EHR_ROOT/policies/hospital/valuesets/vital-signs.tsv"
}

@test "the generator: the same seed gives the same bytes, another one others" {
	"$EHR_GENERATE" 1 100000 >one
	"$EHR_GENERATE" 1 200000 | head -c "$(stat -c %s one)" | cmp - one
	"$EHR_GENERATE" 2 100000 >two
	! cmp -s one two || return 1
	[ "$(stat -c %s one)" -ge 100000 ]
	ehr 2 "$EHR_GENERATE" 1
	has err usage
	jq -es 'all(.[]; .resourceType and .id)' one >/dev/null
}

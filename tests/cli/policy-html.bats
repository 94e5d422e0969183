# ehr-policy explain --html: a page that needs nothing else.
bats_require_minimum_version 1.5.0
load ../lib/ehr

record() {
	printf '%s\n' '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"a <b>1</b> & \"2\""}]},"subject":{"reference":"Patient/p1","display":"Jane </section><script>alert(1)</script>"},"k\u202e'"'"'\"><img src=x onerror=alert(1)>":"<img src=http://evil.example/>","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"75622-1"}]}}]}' >r.json
}

# NAME.png: the page NAME.html as a browser draws it.
draw() {
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=900,700 \
		--user-data-dir="$PWD/profile" --screenshot="$PWD/$1.png" "file://$PWD/$1.html" >/dev/null 2>&1
}

@test "explain --html: all text is escaped, and nothing is asked of anybody" {
	record
	ehr 0 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html r.json
	empty err
	cp out page.html
	has page.html '&lt;script&gt;alert(1)&lt;/script&gt;'
	has page.html '&lt;b&gt;1&lt;/b&gt; &amp;'
	has page.html '&lt;img src=http://evil.example/&gt;'
	lacks page.html '<script'
	lacks page.html '<img'
	lacks page.html '<link'
	lacks page.html 'url('
	lacks page.html '@import'
	has page.html "default-src 'none'"
	# All of the record is in the page, and it says so; nor does a printer without colours show what is black.
	has page.html 'This page holds the whole record, whatever it shows'
	has page.html 'print-color-adjust:exact'
	has page.html 'background:#000;color:transparent'
	lacks page.html 'color:#000;user-select'
	# The rule's sentence under the pointer, and a switch with each version and the record.
	has page.html 'by hiv: '
	[ "$(grep -c '<input type="radio" name="v"' page.html)" -eq 5 ]
	has page.html 'id="v4" checked'
	ehr 0 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html --level N r.json
	has out 'id="v1" checked'
	# Many records are one page.
	cat r.json r.json >two
	ehr 0 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html two
	[ "$(grep -c '^<section>' out)" -eq 2 ]
	[ "$(grep -c '^</html>' out)" -eq 1 ]
	ehr 2 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html --bars r.json
	line 4 'ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html r.json >/dev/full'
	printf '{"a":SECRET}\n' >bad
	ehr 5 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html bad
	lacks err SECRET
}

@test "explain --html in a browser: what a level does not see is black, and no script runs" {
	native || return 0
	browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip 'Chromium is not there'
	record
	for level in N R V; do
		ehr 0 ehr-policy explain -P "$EHR_ROOT/policies/hospital" --html --level "$level" r.json
		cp out "$level.html"
		draw "$level"
		[ -s "$level.png" ]
	done
	# The switch alone changes the picture.
	sed 's/ checked//; s/id="v1"/id="v1" checked/' V.html >N-by-switch.html
	draw N-by-switch
	cmp N.png N-by-switch.png
	ehr 1 cmp N.png V.png
	# The browser's own reading of the page: each part once, and no element out of the record.
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --dump-dom "file://$PWD/V.html" >dom 2>/dev/null
	[ "$(grep -c '<div class="p' dom)" -eq "$(grep -c '<div class="p' V.html)" ]
	lacks dom '<script'
	lacks dom '<img'
}

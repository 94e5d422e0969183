bats_require_minimum_version 1.5.0
load ../lib/ehr

# The checks of the sources' order are checked: what each must find, and what it must leave alone.

# lint STATUS NAME [ARGUMENT ...]: runs tests/lint/NAME.sh here.
lint() {
	local want=$1 name=$2
	shift 2
	ehr "$want" sh "$EHR_ROOT/tests/lint/$name.sh" "$@"
}

# object NAME SOURCE: compiles obj/NAME.o.
object() {
	mkdir -p "obj/$(dirname "$1")"
	echo "$2" | cc -w -c -x c -o "obj/$1.o" -
}

# numbered FILE COUNT: a file of so many lines.
numbered() {
	mkdir -p "$(dirname "$1")"
	seq "$2" >"$1"
}

# source_of FILE: standard input becomes that file.
source_of() {
	mkdir -p common/base cmd/seal tests/unit
	cat >"$1"
}

@test "circles: calls that run one way are fine, and so are two programs with one name" {
	object common/base/a 'void b(void); void a(void) { b(); }'
	object common/base/b 'void b(void) { }'
	object cmd/open/main 'void run(void); int main(void) { run(); }'
	object cmd/open/run 'void a(void); void run(void) { a(); }'
	object cmd/seal/main 'void run(void); int main(void) { run(); }'
	object cmd/seal/run 'void run(void) { }'
	lint 0 circles obj/*/*/*.o
	empty err
}

@test "circles: two files that call each other are named with the calls, and nobody else is" {
	object common/base/a 'void b(void); void a(void) { b(); }'
	object common/base/b 'void a(void); void b(void) { a(); }'
	object common/base/c 'void a(void); void c(void) { a(); }'
	object common/base/d 'void d(void) { }'
	lint 1 circles obj/*/*/*.o
	same err <<-'END'
		circles: common/base/a.o calls common/base/b.o: b
		circles: common/base/b.o calls common/base/a.o: a
	END
}

@test "circles: a circle of three, by way of a table of functions" {
	object common/base/a 'void b(void); void a(void) { b(); }'
	object common/base/b 'extern void (*const table[])(void); void b(void) { table[0](); }'
	object common/base/c 'void a(void); void (*const table[])(void) = {a};'
	lint 1 circles obj/*/*/*.o
	has err 'common/base/b.o calls common/base/c.o: table'
	has err 'common/base/c.o calls common/base/a.o: a'
}

@test "uncalled: a global that no other file uses is named, a static and main are not" {
	object common/base/a 'void a(void) { }  static void own(void) { }  int lonely;'
	object cmd/seal/main 'void a(void); int main(void) { a(); }'
	: >allowed
	lint 1 uncalled allowed obj/*/*/*.o
	same err <<<'uncalled: common/base/a.o: no other file uses lonely'
}

@test "uncalled: what the list allows needs a reason, is there, and has no caller" {
	object common/base/a 'void a(void) { }  void tested(void) { }'
	object cmd/seal/main 'void a(void); int main(void) { a(); }'
	echo 'tested  the bench asks for it' >allowed
	lint 0 uncalled allowed obj/*/*/*.o
	empty err
	printf 'tested\na  why not\ngone  long ago\n' >allowed
	lint 1 uncalled allowed obj/*/*/*.o
	same err <<-'END'
		uncalled: a: listed in allowed, and used
		uncalled: gone: listed in allowed, and not there
		uncalled: tested: allowed gives no reason
	END
}

@test "size: 700 lines are fine, 701 are not, in C, shell and bats alike" {
	mkdir -p .ci .githooks cmd share
	numbered common/base/a.c 700
	numbered tests/cli/a.bats 700
	lint 0 size
	empty err
	numbered common/base/a.c 701
	numbered tests/cli/a.bats 701
	numbered share/examples/a.sh 900
	lint 1 size
	has err 'size: common/base/a.c is longer than 700 lines'
	has err 'size: tests/cli/a.bats is longer'
	has err 'size: share/examples/a.sh is longer'
}

@test "hacking: paths, functions and targets that HACKING.md names are there" {
	printf 'void\na_run(void)\n' | source_of common/base/a.c
	mkdir -p policies/one policies/two
	: >policies/one/x.yaml
	: >policies/two/x.yaml
	echo 'check:' >Makefile
	echo 'see [HACKING](HACKING.md)' >README.md
	# shellcheck disable=SC2016
	echo '`common/base/a.c` has `a_run()`; `make check`, `policies/*/x.yaml`, `cmd/<program>/main.c`, `-P DIR`' >HACKING.md
	lint 0 hacking
	empty err
	# shellcheck disable=SC2016
	echo '`common/base/b.c`, `b_run()`, `make nothing`, `policies/*/y.yaml`, `a_run()` in `common/base/b.c`' >>HACKING.md
	lint 1 hacking
	has err 'there is no common/base/b.c'
	has err 'there is no function b_run()'
	has err 'common/base/b.c has no function a_run()'
	has err 'there is no make nothing'
	has err 'there is no policies/*/y.yaml'
}

@test "hacking: it has at most 150 lines, and the README links to it" {
	: >README.md
	numbered HACKING.md 151
	lint 1 hacking
	has err 'HACKING.md has 151 lines'
	has err 'README.md does not link to HACKING.md'
}

@test "types: a name for two types in two headers is found; two kinds and one forward are fine" {
	source_of common/base/a.h <<-'END'
		struct plan;
		struct rule {
			int a;
		};
		typedef bool (*found_function)(int a);
	END
	source_of cmd/seal/b.h <<-'END'
		struct plan {
			int a;
		};
		enum rule { A };
		struct other { int a; };
	END
	lint 0 types
	empty err
	source_of cmd/seal/c.h <<-'END'
		struct rule { int b; };
		typedef int found_function;
	END
	lint 1 types
	has err 'common/base/a.h: struct rule is in cmd/seal/c.h as well'
	has err 'typedef found_function is in'
	source_of cmd/seal/d.c <<-'END'
		struct plan { int a; };
		struct other { int a; };
	END
	lint 1 types
	has err 'cmd/seal/d.c: struct plan is in cmd/seal/b.h as well'
}

@test "comments: as they should be" {
	source_of common/base/a.c <<-'END'
		/* SPDX-License-Identifier: ISC */
		/*
		 * A thing.
		 *
		 *	a = *b;
		 */
		int a; /* one */
		/* One that goes
		 * on. */
		const char *b = "/* ---- a text, whatever its length may be ------------------------------------------------------------------------ */";
		**b = *c;
	END
	lint 0 comments
	empty err
}

@test "comments: a banner, a mark alone, a glued star, a line too long" {
	{
		printf '/* ---- one thing ---- */\n'
		printf '/* One that goes on\n * and on\n */\n'
		printf '/*\n *One.\n */\n'
		printf '/* %0110d */\n' 1
		printf '\tint a; /* %090d */\n' 1
	} | source_of common/base/a.c
	lint 1 comments
	same err <<-'END'
		comments: common/base/a.c:1: a banner
		comments: common/base/a.c:4: the closing mark stands alone
		comments: common/base/a.c:6: a star without a blank behind it
		comments: common/base/a.c:8: a comment beyond column 110
		comments: common/base/a.c:9: a comment beyond column 110
	END
}

# The readers and the page, as they are, for a fault to be put in.
policy_pages() {
	mkdir -p share
	cp -r "$EHR_ROOT"/common "$EHR_ROOT"/cmd .
	cp -r "$EHR_ROOT/share/man" share
}

@test "keys: each key that a reader of policies knows stands in a page" {
	policy_pages
	lint 0 keys "$EHR_BIN"
}

@test "keys: a key without a page, without an example, and an unnamed word are found" {
	policy_pages
	sed -i 's/"rekey_lines"/"rekey_rows"/' common/policy/seal_policy.c
	lint 1 keys "$EHR_BIN"
	has out "no key 'rekey_rows', which a reader knows"
	has out "no example of 'rekey_rows'"
	policy_pages
	sed -i 's/{ "prefix", read_prefix }/{ "suffix", read_prefix }/' common/label/condition.c
	lint 1 keys "$EHR_BIN"
	has out "no key 'suffix'"
	policy_pages
	sed -i 's/"sealed", NULL/"wrapped", NULL/' common/policy/notify_policy.c
	lint 1 keys "$EHR_BIN"
	has out "no word 'wrapped'"
}

@test "keys: a key that leaves the page is found" {
	policy_pages
	sed -i 's/stale_after/stale/' share/man/man5/ehr-classify.5
	lint 1 keys "$EHR_BIN"
	has out "no key 'stale_after'"
}

@test "a program that loads a policy without holding it against its signature is found" {
	mkdir -p cmd/x cmd/policy common
	echo 'x = policy_load(&p, directory, &f);' >cmd/x/main.c
	cp cmd/x/main.c cmd/policy/main.c
	ehr 123 sh "$EHR_ROOT/tests/lint/banned.sh"
	same err <<<'cmd/x/main.c:1: no policy_load here: trust_load, which holds a policy against its signature'
}

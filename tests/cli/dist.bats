bats_require_minimum_version 1.5.0
load ../lib/ehr

# make dist.  dist-verify builds a whole release twice; here a part of it, in folders of different names.
@test "what make dist compiles does not depend on the folder: two builds, same digests" {
	local folder
	for folder in one other/folder; do
		mkdir -p $folder && cp -r "$EHR_ROOT/Makefile" "$EHR_ROOT/common" "$EHR_ROOT/cmd" $folder
		ehr 0 env -u MAKEFLAGS -u MAKELEVEL make -C $folder dist-programs V=release CC=cc DIST_GOAL=build/release/libehr.a \
			COMMON_SRC='common/base/diag.c common/base/pool.c common/crypto/detached.c'
		(cd $folder && sha256sum build/release/libehr.a) >>digests
	done
	[ "$(wc -l <digests)" -eq 2 ]
	[ "$(sort -u digests | wc -l)" -eq 1 ]
}

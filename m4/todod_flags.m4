# TODOD_COMPILER_FLAGS(VARIABLE, FLAG...)
# Appends to VARIABLE each FLAG that the compiler takes without a word.
AC_DEFUN([TODOD_COMPILER_FLAGS],
[AC_LANG_ASSERT([C])dnl
for todod_flag in $2; do
	AS_VAR_PUSHDEF([todod_cv], [todod_cv_cflag_$todod_flag])dnl
	AC_CACHE_CHECK([whether $CC takes $todod_flag], [todod_cv], [
		todod_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $todod_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([todod_cv], [yes])],
			[AS_VAR_SET([todod_cv], [no])])
		CFLAGS=$todod_saved_CFLAGS])
	AS_VAR_IF([todod_cv], [yes], [$1="$$1 $todod_flag"])
	AS_VAR_POPDEF([todod_cv])dnl
done])

# TODOD_LINKER_FLAGS(VARIABLE, FLAG...)
# Appends to VARIABLE each FLAG with which a program still links.
AC_DEFUN([TODOD_LINKER_FLAGS],
[AC_LANG_ASSERT([C])dnl
for todod_flag in $2; do
	AS_VAR_PUSHDEF([todod_cv], [todod_cv_ldflag_$todod_flag])dnl
	AC_CACHE_CHECK([whether $CC links with $todod_flag], [todod_cv], [
		todod_saved_CFLAGS=$CFLAGS
		todod_saved_LDFLAGS=$LDFLAGS
		# PIE needs both: objects that allow it and the flag to link it.
		CFLAGS="$CFLAGS $TODOD_CFLAGS"
		LDFLAGS="$LDFLAGS -Werror $todod_flag"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([todod_cv], [yes])],
			[AS_VAR_SET([todod_cv], [no])])
		CFLAGS=$todod_saved_CFLAGS
		LDFLAGS=$todod_saved_LDFLAGS])
	AS_VAR_IF([todod_cv], [yes], [$1="$$1 $todod_flag"])
	AS_VAR_POPDEF([todod_cv])dnl
done])

# TODOD_MODULE(VARIABLE, MODULES, DEBIAN-PACKAGES, WHAT-FOR)
# PKG_CHECK_MODULES with an error that says which package to install.
AC_DEFUN([TODOD_MODULE],
[PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([
not found: $2 ($4).
$$1[]_PKG_ERRORS

On Debian and Ubuntu:  apt-get install $3
or let ./quickstart install everything that todod needs.])])])

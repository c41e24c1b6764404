# shellcheck shell=sh disable=SC2154
# After our files are removed, or after an installation that failed.

# The version before is still in its place, and dpkg has removed what waited to replace it.
back_to_previous() {
    if [ ! -f "$(waiting_of "$1")" ] && has_previous "$1"; then
        divert "$1"
        rm -f "$(previous_of "$1")"
    fi
}

case "$1" in
    remove | disappear | purge)
        # A package that was never configured is removed without its prerm.
        give_up_previous "$AGENT"
        give_up_previous "$MAN"
        clean_up
        ;;
    abort-install)
        clean_up
        ;;
    abort-upgrade)
        back_to_previous "$AGENT"
        back_to_previous "$MAN"
        if [ -d "$WAITING" ]; then rmdir --ignore-fail-on-non-empty "$WAITING"; fi
        ;;
esac

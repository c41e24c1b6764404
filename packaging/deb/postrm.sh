# shellcheck shell=sh disable=SC2154
# After our files are removed, or after an installation that failed.
case "$1" in
    remove | disappear | purge)
        end_leaving
        end_diversion "$AGENT"
        end_diversion "$MAN"
        # What was kept of a person's stays.
        if [ -d "$DIVERTED" ]; then rmdir -p --ignore-fail-on-non-empty "$DIVERTED"; fi
        ;;
    abort-install)
        # dpkg has put back what was at our paths.
        end_diversion "$AGENT"
        end_diversion "$MAN"
        if [ -d "$DIVERTED" ]; then rmdir -p --ignore-fail-on-non-empty "$DIVERTED"; fi
        ;;
esac

# shellcheck shell=sh disable=SC2154
# After our files are removed, or after an installation that failed.
case "$1" in
    remove | disappear | purge)
        end_leaving
        rm -f "$(handover_name "$(copy_of "$AGENT")")"
        end_diversion "$AGENT"
        end_diversion "$MAN"
        # What was kept of a person's stays.
        if [ -d "$DIVERTED" ]; then rmdir -p --ignore-fail-on-non-empty "$DIVERTED"; fi
        ;;
    abort-install)
        # dpkg has put back what was at our paths; for the agent that is what preinst has made of it.
        copy=$(copy_of "$AGENT")
        if is_handed_over "$AGENT" "$copy"; then copy_over "$copy" "$AGENT"; fi
        rm -f "$(handover_name "$copy")"
        end_diversion "$AGENT"
        end_diversion "$MAN"
        if [ -d "$DIVERTED" ]; then rmdir -p --ignore-fail-on-non-empty "$DIVERTED"; fi
        ;;
esac

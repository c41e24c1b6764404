# shellcheck shell=sh disable=SC2034
# In front of each maintainer script.
PACKAGE=resource-agents-kamailio
AGENT=/usr/lib/ocf/resource.d/heartbeat/kamailio
MAN=/usr/share/man/man7/ocf_heartbeat_kamailio.7.gz
# Where the files of that name that other packages ship lie while ours are in place. Not beside the agent:
# Pacemaker lists what it finds there.
DIVERTED=/usr/share/$PACKAGE/diverted
# While this package is being removed, dpkg looks for our files here; see prerm.
LEAVING=/usr/share/$PACKAGE/leaving
# Files of nobody's: a person's agent that was at our path.
KEPT=/var/lib/$PACKAGE/kept

# Where dpkg is to take files of other packages at path $1.
copy_of() {
    echo "$DIVERTED/$(basename "$1")"
}

# Whether dpkg takes files of other packages at path $1 to $2.
is_diverted_to() {
    [ "$(dpkg-divert --truename "$1")" = "$2" ]
}

# Ends the state that prerm has made for a removal, which may never have been completed.
end_leaving() {
    for path in "$AGENT" "$MAN"; do
        leaving=$LEAVING/$(basename "$path")
        if is_diverted_to "$path" "$leaving"; then
            dpkg-divert --quiet --package resource-agents --no-rename --divert "$leaving" --remove "$path"
        fi
        rm -f "$leaving"
    done
    if [ -d "$LEAVING" ]; then rmdir --ignore-fail-on-non-empty "$LEAVING"; fi
}

# The diversion ends, and its copy is no longer needed: the original is at its path.
end_diversion() {
    copy=$(copy_of "$1")
    if is_diverted_to "$1" "$copy"; then
        dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$copy" --remove "$1"
    fi
    rm -f "$copy"
}

# shellcheck shell=sh disable=SC2034
# In front of each maintainer script.
PACKAGE=resource-agents-kamailio
AGENT=/usr/lib/ocf/resource.d/heartbeat/kamailio
MAN=/usr/share/man/man7/ocf_heartbeat_kamailio.7.gz
# Our files wait here until the agent has run once on this node; see preinst. After a removal they are here, too,
# for dpkg to remove; see prerm.
WAITING=/usr/share/$PACKAGE/waiting
# While our files are in place, files of that name of other packages are here. Not beside the agent: Pacemaker
# lists what it finds there.
DIVERTED=/usr/share/$PACKAGE/diverted
# Files of no package: a person's agent that was at our path.
KEPT=/var/lib/$PACKAGE/kept

# Where our file for path $1 waits.
waiting_of() {
    echo "$WAITING/$(basename "$1")"
}

# A second name of our file of the version before, which is at path $1 until the new one takes its place.
previous_of() {
    echo "$WAITING/$(basename "$1").previous"
}

# Where dpkg puts files of other packages for path $1.
copy_of() {
    echo "$DIVERTED/$(basename "$1")"
}

# The md5 sum that dpkg has noted for path $2 of package $1.
noted_sum() {
    dpkg-query --control-show "$1" md5sums 2>/dev/null | sed -n "s|^\([0-9a-f]*\)  ${2#/}\$|\1|p"
}

# Whether dpkg writes files for path $1 that are not the diverting package's to $2.
is_diverted_to() {
    [ "$(dpkg-divert --truename "$1")" = "$2" ]
}

# Whether path $1 still has our file of the version before.
has_previous() {
    have_same_contents "$1" "$(previous_of "$1")"
}

# From now on dpkg writes our file for path $1 to where it waits, and resource-agents' to the path itself.
let_wait() {
    if ! is_diverted_to "$1" "$(waiting_of "$1")"; then
        end_diversion "$1"
        mkdir -p "$WAITING"
        dpkg-divert --quiet --package resource-agents --no-rename --divert "$(waiting_of "$1")" --add "$1"
    fi
}

end_waiting() {
    if is_diverted_to "$1" "$(waiting_of "$1")"; then
        dpkg-divert --quiet --package resource-agents --no-rename --divert "$(waiting_of "$1")" --remove "$1"
    fi
}

# From now on dpkg writes our file for path $1 to the path itself, and other packages' aside.
divert() {
    if ! is_diverted_to "$1" "$(copy_of "$1")"; then
        end_waiting "$1"
        mkdir -p "$DIVERTED"
        dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$(copy_of "$1")" --add "$1"
    fi
}

end_diversion() {
    if is_diverted_to "$1" "$(copy_of "$1")"; then
        dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$(copy_of "$1")" --remove "$1"
    fi
}

# What other packages ship for path $1 comes back over our file of the version before; if they ship nothing, the path
# becomes empty.
give_up_previous() {
    if ! has_previous "$1"; then return; fi
    if [ -f "$(copy_of "$1")" ]; then copy_over "$(copy_of "$1")" "$1"; else rm -f "$1"; fi
    rm -f "$(previous_of "$1")"
}

# Removes what this package has made outside of what dpkg knows; what was kept of a person's stays.
clean_up() {
    for path in "$AGENT" "$MAN"; do
        end_waiting "$path"
        end_diversion "$path"
        rm -f "$(waiting_of "$path")" "$(previous_of "$path")" "$(copy_of "$path")"
        # An unpacking that breaks off: without the diversion, dpkg looks for its unfinished file elsewhere.
        rm -f "$(waiting_of "$path").dpkg-new" "$(waiting_of "$path").dpkg-tmp"
    done
    rm -f "$(handover_name "$(copy_of "$AGENT")")"
    for directory in "$WAITING" "$DIVERTED"; do
        if [ -d "$directory" ]; then rmdir -p --ignore-fail-on-non-empty "$directory"; fi
    done
}

# shellcheck shell=sh
# In front of each scriptlet.
package=resource-agents-kamailio
payload=/usr/libexec/$package
# The files of that name that the package resource-agents ships lie here while ours are in place.
shipped=/usr/share/$package/shipped
state=/var/lib/$package

sum_of() {
    sha256sum "$1" | cut -d ' ' -f 1
}

# Whether this package has put the file $1 there, in this version or an earlier one.
is_ours() {
    grep -qx "$(sum_of "$1")" "$state/placed" 2>/dev/null
}

# What went aside before any package shipped one is a person's, and stays under a name of its own.
keep_persons() {
    if [ ! -f "$1" ] || [ -f "$state/has-shipped" ]; then return; fi
    mkdir -p "$state/kept"
    mv -f "$1" "$state/kept/$(basename "$1").$(sum_of "$1" | cut -c 1-12)"
}

# resource-agents has put its file at path $1, where it stays.
note_shipped() {
    mkdir -p "$state"
    if [ -f "$1" ] && ! is_ours "$1"; then keep_persons "$shipped/$(basename "$1")"; fi
    : >"$state/has-shipped"
}

# Our file into its path $2 from $payload; what is there and not ours goes aside. $1 says where that comes
# from: `package` when resource-agents is known to have just put it there, else `unknown`.
place() {
    ours=$payload/$(basename "$2")
    aside=$shipped/$(basename "$2")
    mkdir -p "$shipped" "$state" "$(dirname "$2")"
    if [ -f "$2" ] && ! is_ours "$2" && ! is_handed_over "$2" "$aside"; then
        if [ "$1" = package ]; then keep_persons "$aside"; fi
        copy_over "$2" "$aside"
    fi
    # Noted first: interrupted in between, the next run knows the file.
    sum=$(sum_of "$ours")
    grep -qx "$sum" "$state/placed" 2>/dev/null || echo "$sum" >>"$state/placed"
    if [ ! -f "$2" ] || [ "$(sum_of "$2")" != "$sum" ]; then
        hand_over "$2" "$aside"
        link_over "$ours" "$2"
        if [ -x /sbin/restorecon ]; then /sbin/restorecon "$2" || :; fi
    fi
}

# Ours take their places, if the agent can run on this node: otherwise every monitor of the cluster would fail from
# this moment. Returns 1 if it cannot.
place_both() {
    agent=/usr/lib/ocf/resource.d/heartbeat/kamailio
    if ! can_run "$payload/kamailio" "$agent" "\`rpm -U --replacepkgs\` with this package"; then
        if [ "$1" = package ]; then note_shipped "$agent"; fi
        return 1
    fi
    place "$1" "$agent"
    place "$1" /usr/share/man/man7/ocf_heartbeat_kamailio.7.gz
    if [ "$1" = package ]; then : >"$state/has-shipped"; fi
}

# The file that was at path $1 comes back over ours. When it is resource-agents', rpm leaves it alone; a
# person's it would remove with the path, so that one waits beside it until ours is gone.
give_back() {
    aside=$shipped/$(basename "$1")
    if [ ! -f "$aside" ]; then
        # Ours has never taken the path: a person's file is there, or one of resource-agents'.
        if [ -f "$1" ] && ! is_ours "$1" && [ ! -f "$state/has-shipped" ]; then cp -p "$1" "$(waiting "$1")"; fi
        return
    fi
    if [ -f "$state/has-shipped" ]; then
        copy_over "$aside" "$1"
    else
        cp -p "$aside" "$(waiting "$1")"
    fi
    rm -f "$aside"
}

# Where a person's file for path $1 waits; Pacemaker does not list names that begin with a dot.
waiting() {
    echo "$(dirname "$1")/.$(basename "$1").waiting"
}

bring_back_waiting() {
    if [ -f "$(waiting "$1")" ]; then mv -f "$(waiting "$1")" "$1"; fi
}

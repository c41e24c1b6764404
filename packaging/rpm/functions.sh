# shellcheck shell=sh
# In front of each scriptlet.
package=resource-agents-kamailio
payload=/usr/libexec/$package
# The files of that name that the package resource-agents ships lie here while ours are in place.
shipped=/usr/share/$package/shipped
state=/var/lib/$package

# As copy_over, by a hard link where that can be: the agent is large.
link_over() {
    temporary=$(dirname "$2")/.$(basename "$2").new
    rm -f "$temporary"
    ln "$1" "$temporary" 2>/dev/null || cp -p "$1" "$temporary"
    mv -f "$temporary" "$2"
    # Two names of one file: mv leaves both where they are the same already.
    rm -f "$temporary"
}

sum_of() {
    sha256sum "$1" | cut -d ' ' -f 1
}

# Whether this package has put the file $1 there, in this version or an earlier one.
is_ours() {
    grep -qx "$(sum_of "$1")" "$state/placed" 2>/dev/null
}

# Our file into its path $2 from $payload; what is there and not ours goes aside. $1 says where that comes
# from: `package` when resource-agents is known to have just put it there, else `unknown`.
place() {
    ours=$payload/$(basename "$2")
    aside=$shipped/$(basename "$2")
    mkdir -p "$shipped" "$state" "$(dirname "$2")"
    if [ -f "$2" ] && ! is_ours "$2" && ! is_handed_over "$2" "$aside"; then
        # What went aside before any package shipped one is a person's.
        if [ "$1" = package ] && [ -f "$aside" ] && [ ! -f "$state/has-shipped" ]; then
            mkdir -p "$state/kept"
            mv -f "$aside" "$state/kept/$(basename "$2").$(sum_of "$aside" | cut -c 1-12)"
        fi
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

place_both() {
    place "$1" /usr/lib/ocf/resource.d/heartbeat/kamailio
    place "$1" /usr/share/man/man7/ocf_heartbeat_kamailio.7.gz
    if [ "$1" = package ]; then : >"$state/has-shipped"; fi
}

# The file that was at path $1 comes back over ours. When it is resource-agents', rpm leaves it alone; a
# person's it would remove with the path, so that one waits beside it until ours is gone.
give_back() {
    aside=$shipped/$(basename "$1")
    if [ ! -f "$aside" ]; then return; fi
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

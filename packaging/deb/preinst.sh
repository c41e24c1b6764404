# shellcheck shell=sh disable=SC2154
# Before our files are unpacked. What is at their paths is copied, not moved: a monitor that the cluster
# runs right now finds the shipped agent, or what leads to it, until dpkg renames ours over it.

# The md5 sum that dpkg has noted for path $2 of package $1.
noted_sum() {
    dpkg-query --control-show "$1" md5sums 2>/dev/null | sed -n "s|^\([0-9a-f]*\)  ${2#/}\$|\1|p"
}

# Whether path $1 holds the file of a package, as that package has shipped it.
is_as_shipped() {
    sum=$(md5sum "$1" | cut -d ' ' -f 1)
    for owner in $(dpkg-query --search "$1" 2>/dev/null | sed -n '/^diversion by /d; s/: .*//; s/,//g; p'); do
        if [ "$(noted_sum "$owner" "$1")" = "$sum" ]; then return 0; fi
    done
    return 1
}

# A file that no package can bring again stays under a name of its own, whatever happens to the rest.
keep() {
    mkdir -p "$KEPT"
    name=$KEPT/$(basename "$1").$(md5sum "$1" | cut -c 1-12)
    copy_over "$1" "$name"
    echo "$PACKAGE: $1 was not as any package ships it; a copy is kept as $name" >&2
}

divert() {
    copy=$(copy_of "$1")
    # With the diversion in force, the copy is dpkg's to replace and remove.
    if is_diverted_to "$1" "$copy"; then return; fi
    # An upgrade finds our own file there, should somebody have removed the diversion.
    if [ -f "$1" ] && [ "$(noted_sum "$PACKAGE" "$1")" != "$(md5sum "$1" | cut -d ' ' -f 1)" ]; then
        is_as_shipped "$1" || keep "$1"
        # First the copy, then the diversion: interrupted in between, the next attempt copies again.
        copy_over "$1" "$copy"
    fi
    dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$copy" --add "$1"
}

case "$1" in
    install | upgrade)
        end_leaving
        mkdir -p "$DIVERTED"
        divert "$AGENT"
        hand_over "$AGENT" "$(copy_of "$AGENT")"
        divert "$MAN"
        ;;
esac

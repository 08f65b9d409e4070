# Diagnostics of svymean and svyglm on the small invented sample of design_reference.R.
#
#   Rscript diagnostics_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# From the package: design effects (svymean, svyglm), leave-one-PSU-out fits and their Wald tests (svyglm, regTermTest),
# means by group with their covariance (svyby) and logit intervals (svyciprop). The package has none of: Kish's
# effective size, the Archer-Lemeshow test, condition indexes, variance inflation; they are written out here from its
# means, from svd() and from lm().
#
# People of weight zero are left out of the domain (subset keeps their PSUs), as the Python code does.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")
GROUPS <- c(5, 8)
EDGES <- c(0, 150, 250, 350, 500, 2000)
PERCENTILES <- c(5, 25, 50, 75, 95)

# Only a sample without one of two PSUs has a stratum with one PSU.
options(survey.lonely.psu = "adjust")

design_of <- function(frame) svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)

# ---- design effects and weights ------------------------------------------------------------------------------------

# Hmisc has another deff().
mean_deff_rows <- function(id, domain) {
  data.frame(study_id = id, variable = c("y", "z"),
             with_replacement = unname(survey::deff(svymean(~y + z, domain, deff = "replace"))),
             without_replacement = unname(survey::deff(svymean(~y + z, domain, deff = TRUE))))
}

coefficient_deff_rows <- function(id, domain, fit) {
  settled <- eval(bquote(svyglm(formula(fit), design = domain, family = quasibinomial(), control = CONVERGED,
                                start = .(unname(coef(fit))), deff = TRUE)))
  data.frame(study_id = id, term = term_names(fit), deff = unname(survey::deff(settled)))
}

weight_rows <- function(id, w) {
  values <- quantile(w, PERCENTILES / 100, type = 7)
  cv <- sqrt(mean((w - mean(w))^2)) / mean(w)
  data.frame(study_id = id, measure = c("n_positive", "total", "mean", "cv", "kish_deff", "n_effective",
                                        paste0("p", PERCENTILES)),
             value = c(length(w), sum(w), mean(w), cv, 1 + cv^2, sum(w)^2 / sum(w^2), unname(values)))
}

bin_rows <- function(id, people) {
  bin <- cut(people$x, EDGES, labels = FALSE)
  each <- function(summary) sapply(seq_len(length(EDGES) - 1), function(k) summary(people[bin == k, ]))
  data.frame(study_id = id, low = EDGES[-length(EDGES)], high = EDGES[-1], n = each(nrow),
             n_psu = each(function(part) nrow(unique(part[c("strata", "psu")]))),
             n_effective = each(function(part) sum(part$w)^2 / sum(part$w^2)))
}

# ---- one PSU left out ----------------------------------------------------------------------------------------------

wald_f <- function(b, V) drop(b %*% solve(V, b)) / length(b)

influence_rows <- function(id, frame, member, terms, full) {
  spline <- setdiff(terms, "z")
  psus <- unique(frame[c("strata", "psu")])
  psus <- psus[order(psus$strata, psus$psu), ]
  rows <- lapply(seq_len(nrow(psus)), function(j) {
    same <- frame$strata == psus$strata[j]
    left_out <- same & frame$psu == psus$psu[j]
    n_h <- length(unique(frame$psu[same]))
    part <- frame
    part$w <- ifelse(same, part$w * n_h / (n_h - 1), part$w)
    part <- part[!left_out, ]
    fit <- fit_domain(subset(design_of(part), member[!left_out]), "y", terms)
    test <- regTermTest(fit, reformulate(spline), method = "Wald")
    fixed <- wald_f(coef(fit)[spline], vcov(full)[spline, spline])
    list(beta = data.frame(study_id = id, stratum = psus$strata[j], psu = psus$psu[j], term = term_names(fit),
                           estimate = unname(coef(fit)),
                           dfbetas = unname((coef(fit) - coef(full)) / sqrt(diag(vcov(full))))),
         test = data.frame(study_id = id, stratum = psus$strata[j], psu = psus$psu[j],
                           covariance = c("refitted", "fixed"), statistic = c(drop(test$Ftest), fixed),
                           df_den = c(test$ddf, full$df.residual),
                           p_value = c(drop(test$p), pf(fixed, length(spline), full$df.residual, lower.tail = FALSE))))
  })
  list(beta = do.call(rbind, lapply(rows, `[[`, "beta")), test = do.call(rbind, lapply(rows, `[[`, "test")))
}

# ---- calibration ---------------------------------------------------------------------------------------------------

# Groups of equal weight: cut k is the lowest risk at or below which k/g of the weight lies.
risk_groups <- function(risk, w, g) {
  order <- order(risk)
  share <- cumsum(w[order]) / sum(w)
  cuts <- sapply(seq_len(g - 1) / g, function(wanted) risk[order][which(share >= wanted - 1e-12)[1]])
  findInterval(risk, cuts, left.open = TRUE) + 1
}

calibration_rows <- function(id, domain, fit, g) {
  domain <- update(domain, risk = fitted(fit), group = risk_groups(fitted(fit), weights(domain, "sampling"), g))
  observed <- svyby(~y, ~group, domain, svymean)
  predicted <- svyby(~risk, ~group, domain, svymean)
  interval <- sapply(seq_len(g), function(k) {
    part <- subset(domain, group == k)
    c(degf(part), attr(svyciprop(~y, part, method = "xlogit"), "ci"), nrow(part))
  })
  data.frame(study_id = id, groups = g, group = seq_len(g), n = interval[4, ], predicted = unname(coef(predicted)),
             estimate = unname(coef(observed)), std_error = unname(SE(observed)), df = interval[1, ],
             conf_low = interval[2, ], conf_high = interval[3, ])
}

gof_rows <- function(id, domain, fit, g) {
  group <- factor(risk_groups(fitted(fit), weights(domain, "sampling"), g))
  domain <- update(domain, residual = as.numeric(fit$y) - fitted(fit), group = group)
  f <- degf(domain)
  means <- svyby(~residual, ~group, domain, svymean, covmat = TRUE)
  M <- unname(coef(means))
  V <- unname(vcov(means))
  zero <- drop(M %*% solve(V, M))
  # regTermTest divides by the number of differences; its own denominator df is another.
  idiom <- regTermTest(svyglm(residual ~ group, domain), ~group, method = "Wald")
  equal <- drop(idiom$Ftest) * idiom$df
  wald <- c(zero, equal)
  statistic <- (f - g + 2) / (f * c(g, g - 1)) * wald
  data.frame(study_id = id, groups = g, null = c("zero", "equal"), wald, statistic, df_num = g - 1, df_den = f - g + 2,
             p_value = pf(statistic, g - 1, f - g + 2, lower.tail = FALSE))
}

# ---- collinearity --------------------------------------------------------------------------------------------------

condition_rows <- function(id, X, w) {
  scaled <- apply(X * sqrt(w), 2, function(column) column / sqrt(sum(column^2)))
  parts <- svd(scaled)
  shares <- (t(parts$v) / parts$d)^2
  shares <- sweep(shares, 2, colSums(shares), "/")
  long <- expand.grid(index = seq_along(parts$d), term = colnames(X), stringsAsFactors = FALSE)
  data.frame(study_id = id, long, condition_index = (max(parts$d) / parts$d)[long$index], share = c(shares))
}

# For one column 1/(1 - R^2) of a weighted regression; for a group Fox and Monette's determinants, here as car::vif has
# them, of the correlation of an lm's coefficients.
inflation_rows <- function(id, frame, terms) {
  single <- sapply(terms, function(term) {
    1 / (1 - summary(lm(reformulate(setdiff(terms, term), term), data = frame, weights = w))$r.squared)
  })
  R <- cov2cor(vcov(lm(reformulate(terms, "y"), data = frame, weights = w))[-1, -1])
  inside <- terms != "z"
  grouped <- det(R[inside, inside]) * det(R[!inside, !inside, drop = FALSE]) / det(R)
  data.frame(study_id = id, term = c(terms, "spline"), gvif = unname(c(single, grouped)))
}

# ---- all of it -----------------------------------------------------------------------------------------------------

domain_reference <- function(id, people) {
  knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
  spline <- spline_columns(people$x, knots, "x")
  terms <- c(colnames(spline), "z")
  frame <- data.frame(people[c("strata", "psu", "w", "y", "z")], spline)
  member <- people[[DOMAINS[[id]]]] == 1 & people$w > 0
  domain <- subset(design_of(frame), member)
  fit <- fit_domain(domain, "y", terms)
  X <- cbind(intercept = 1, as.matrix(frame[member, terms]))
  influence <- influence_rows(id, frame, member, terms, fit)
  by_groups <- function(rows) do.call(rbind, lapply(GROUPS, rows, id = id, domain = domain, fit = fit))
  list(mean_deff = mean_deff_rows(id, domain), coefficient_deff = coefficient_deff_rows(id, domain, fit),
       weights = weight_rows(id, frame$w[member]), bins = bin_rows(id, frame[member, ]),
       influence = influence$beta, influence_tests = influence$test, calibration = by_groups(calibration_rows),
       goodness_of_fit = by_groups(gof_rows), condition = condition_rows(id, X, frame$w[member]),
       inflation = inflation_rows(id, frame[member, ], terms))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript diagnostics_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- cbind(read.csv(arguments[1]), everybody = 1)
  write_tables(lapply(names(DOMAINS), domain_reference, people = people), arguments[2])
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))

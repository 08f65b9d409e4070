# Two-piece models, a score process, fractional polynomials and a penalised spline on the sample of design_reference.R.
#
#   Rscript threshold_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# Domains as in design_reference.R, without their rows of weight zero: their deviances are of weights of mean 1 over the
# rows that count. z is the adjustment, the reference of every curve the median of x in the domain.
#
# Candidates for the break are 40 type-7 quantiles of the x between its P5 and P95, without those that have fewer than
# 20 people, or 5 with or 5 without the outcome, at or below or above them. Then 25 points between the neighbours of the
# best one are tried. Everything of a break comes from svyglm, one settled fit (common.R) a candidate.
#
# The score process is written out: efficient scores are residuals of a weighted least-squares fit of (x - c)+ on the
# columns of the linear model, and their variances svytotal's.
#
# Fractional polynomials are of x over a power of ten; x is positive and needs no shift here.
#
# The penalised spline is written out: splineDesign's basis on equally spaced knots between P1 and P99, straight beyond,
# penalised iteratively reweighted least squares by an augmented QR decomposition, the covariance of the score from
# svytotal. The effective number of parameters of 4 is solved for by uniroot.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")
POINTS <- 40
FINE_POINTS <- 25
POWERS <- c(-2, -1, -0.5, 0, 0.5, 1, 2, 3)
SEGMENTS <- 20
SMOOTHING <- 10
CURVE_AT <- c(0.02, 0.1, 0.35, 0.5, 0.8, 0.95)

# ---- two pieces ----------------------------------------------------------------------------------------------------

candidates <- function(x, y, ends) {
  grid <- unique(unname(quantile(x[x >= ends[1] & x <= ends[2]], seq(0, 1, length.out = POINTS), type = 7)))
  sides <- function(values, at) min(sum(values <= at), sum(values > at))
  enough <- function(at) sides(x, at) >= 20 && sides(x[y == 1], at) >= 5 && sides(x[y == 0], at) >= 5
  grid[vapply(grid, enough, TRUE)]
}

fit_broken <- function(domain, at) {
  domain$variables$below <- domain$variables$x - at
  domain$variables$change <- pmax(domain$variables$x - at, 0)
  fit_domain(domain, "y", c("below", "change", "z"))
}

broken_tables <- function(id, domain) {
  x <- domain$variables$x
  ends <- unname(quantile(x, c(0.05, 0.95), type = 7))
  grid <- candidates(x, domain$variables$y, ends)
  fits <- lapply(grid, function(at) fit_broken(domain, at))
  best <- which.min(vapply(fits, deviance, 0))
  neighbours <- grid[c(max(best - 1, 1), min(best + 1, length(grid)))]
  fine <- c(grid[best], seq(neighbours[1], neighbours[2], length.out = FINE_POINTS))
  fine_fits <- lapply(fine, function(at) fit_broken(domain, at))
  chosen <- which.min(vapply(fine_fits, deviance, 0))
  fit <- fine_fits[[chosen]]
  L <- rbind(slope_below = c(0, 1, 0, 0), slope_above = c(0, 1, 1, 0), change = c(0, 0, 1, 0))
  linear <- fit_domain(domain, "y", c("x", "z"))
  list(breaks = data.frame(study_id = id, low = ends[1], high = ends[2], breakpoint = fine[chosen],
                           deviance = deviance(fit), linear_deviance = deviance(linear)),
       slopes = data.frame(study_id = id, term = rownames(L), estimate = drop(L %*% coef(fit)),
                           std_error = sqrt(diag(L %*% vcov(fit) %*% t(L))), df = fit$df.residual),
       profile = data.frame(study_id = id, c = grid, deviance = vapply(fits, deviance, 0),
                            change = vapply(fits, function(one) coef(one)[["change"]], 0),
                            std_error = vapply(fits, function(one) SE(one)[["change"]], 0)),
       score_process = score_rows(id, domain, linear, grid))
}

total_vcov <- function(domain, values) unname(as.matrix(vcov(svytotal(values, domain))))

score_rows <- function(id, domain, linear, grid) {
  x <- domain$variables$x
  weights <- weights(domain, "sampling") / mean(weights(domain, "sampling"))
  mu <- fitted(linear)
  X <- cbind(1, x, domain$variables$z)
  one <- function(at) {
    left <- lm.wfit(X, pmax(x - at, 0), weights * mu * (1 - mu))$residuals
    score <- left * (domain$variables$y - mu) / mean(weights(domain, "sampling"))
    data.frame(study_id = id, c = at, score = sum(weights(domain, "sampling") * score),
               variance = drop(total_vcov(domain, cbind(score))))
  }
  do.call(rbind, lapply(grid, one))
}

# ---- fractional polynomials ----------------------------------------------------------------------------------------

power_columns <- function(u, powers) {
  raise <- function(power) if (power == 0) log(u) else u^power
  cbind(raise(powers[1]), if (powers[1] == powers[2]) raise(powers[1]) * log(u) else raise(powers[2]))
}

polynomial_tables <- function(id, domain, at, reference) {
  x <- domain$variables$x
  scale <- 10^trunc(log10(diff(range(x))))
  pairs <- expand.grid(power_2 = POWERS, power_1 = POWERS)[, 2:1]
  pairs <- pairs[pairs$power_1 <= pairs$power_2, ]
  fit_pair <- function(powers) {
    columns <- power_columns(x / scale, powers)
    domain$variables$fp_1 <- columns[, 1]
    domain$variables$fp_2 <- columns[, 2]
    fit_domain(domain, "y", c("fp_1", "fp_2", "z"))
  }
  fits <- lapply(seq_len(nrow(pairs)), function(row) fit_pair(unlist(pairs[row, ])))
  deviances <- vapply(fits, deviance, 0)
  best <- which.min(deviances)
  powers <- unlist(pairs[best, ])
  contrast <- sweep(power_columns(at / scale, powers), 2, power_columns(reference / scale, powers))
  list(powers = data.frame(study_id = id, pairs, deviance = deviances),
       curves = data.frame(study_id = id, form = "fractional", x = at,
                           log_or = drop(contrast %*% coef(fits[[best]])[2:3]),
                           std_error = sqrt(rowSums((contrast %*% vcov(fits[[best]])[2:3, 2:3]) * contrast))))
}

# ---- penalised spline ----------------------------------------------------------------------------------------------

penalised_columns <- function(x, ends) {
  step <- diff(ends) / SEGMENTS
  knots <- ends[1] + step * (-3):(SEGMENTS + 3)
  inside <- pmin(pmax(x, ends[1]), ends[2])
  columns <- function(order) splines::splineDesign(knots, inside, derivs = rep(order, length(x)), outer.ok = TRUE)
  columns(0) + (x - inside) * columns(1)
}

# Rows sqrt(lambda) D under the working rows: the QR decomposition of both is that of X'VX + lambda D'D.
penalised_fit <- function(X, y, weights, root_penalty) {
  beta <- rep(0, ncol(X))
  for (iteration in 1:100) {
    eta <- drop(X %*% beta)
    mu <- plogis(eta)
    v <- weights * mu * (1 - mu)
    working <- c(sqrt(v) * (eta + (y - mu) / (mu * (1 - mu))), rep(0, nrow(root_penalty)))
    updated <- qr.solve(rbind(X * sqrt(v), root_penalty), working, tol = 1e-14)
    change <- max(abs(updated - beta)) / max(abs(updated))
    beta <- updated
    if (change < 1e-13) break
  }
  stopifnot(change < 1e-10)
  mu <- plogis(drop(X %*% beta))
  root <- qr.R(qr(rbind(X * sqrt(weights * mu * (1 - mu)), root_penalty), tol = 1e-14, LAPACK = FALSE))
  bread <- chol2inv(root)
  list(beta = beta, mu = mu, bread = bread, shares = diag(bread %*% crossprod(X * sqrt(weights * mu * (1 - mu)))))
}

penalised_tables <- function(id, domain, at, reference) {
  x <- domain$variables$x
  y <- domain$variables$y
  weights <- weights(domain, "sampling") / mean(weights(domain, "sampling"))
  ends <- unname(quantile(x, c(0.01, 0.99), type = 7))
  X <- cbind(penalised_columns(x, ends), domain$variables$z)
  D <- cbind(diff(diag(SEGMENTS + 3), differences = 2), 0)
  spline <- seq_len(SEGMENTS + 3)
  fit_at <- function(smoothing) penalised_fit(X, y, weights, sqrt(smoothing) * D)
  excess <- function(log_smoothing) sum(fit_at(exp(log_smoothing))$shares[spline]) - 1 - 4
  solved <- exp(uniroot(excess, c(0, 9), tol = 1e-13)$root)
  contrast <- sweep(penalised_columns(at, ends), 2, penalised_columns(reference, ends))
  describe <- function(choice, smoothing) {
    fit <- fit_at(smoothing)
    meat <- total_vcov(domain, X * (y - fit$mu) / mean(weights(domain, "sampling")))
    vcov <- (fit$bread %*% meat %*% fit$bread)[spline, spline]
    deviance <- -2 * sum(weights * (y * log(fit$mu) + (1 - y) * log(1 - fit$mu)))
    list(penalised = data.frame(study_id = id, choice, smoothing, edf = sum(fit$shares[spline]) - 1,
                                total_edf = sum(fit$shares), deviance,
                                daic = deviance + 2 * sum(diag(fit$bread %*% meat))),
         curves = data.frame(study_id = id, form = paste0("penalised_", choice), x = at,
                             log_or = drop(contrast %*% fit$beta[spline]),
                             std_error = sqrt(rowSums((contrast %*% vcov) * contrast))))
  }
  described <- list(describe("edf", solved), describe("fixed", SMOOTHING))
  list(penalised = do.call(rbind, lapply(described, `[[`, "penalised")),
       curves = do.call(rbind, lapply(described, `[[`, "curves")))
}

study_tables <- function(id, design) {
  domain <- design[design$variables[[DOMAINS[[id]]]] == 1 & design$variables$w > 0, ]
  at <- unname(quantile(domain$variables$x, CURVE_AT, type = 7))
  reference <- median(domain$variables$x)
  polynomial <- polynomial_tables(id, domain, at, reference)
  penalised <- penalised_tables(id, domain, at, reference)
  c(broken_tables(id, domain), polynomial["powers"], penalised["penalised"],
    list(curves = rbind(polynomial$curves, penalised$curves)))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript threshold_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- read.csv(arguments[1])
  people$everybody <- 1
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = people)
  write_tables(lapply(names(DOMAINS), study_tables, design = design), arguments[2])
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
